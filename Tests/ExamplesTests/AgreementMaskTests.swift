import Diagnostics
import JSON
import PluginHost
import Tensors
import TestSupport
import Testing

/// The merge method of the examples: the same bits in every language, and those of whole numbers.
@Suite(.serialized) struct AgreementMaskTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var clients: Int
    var rows: Int
    var columns: Int
    var weights: [Double]
    var parameters: [String: Double] = [:]
    var testDescription: String { "\(clients) clients, \(rows) × \(columns), \(parameters)" }
  }

  static let cases = [
    Case(clients: 1, rows: 3, columns: 2, weights: [1]),
    Case(clients: 2, rows: 0, columns: 5, weights: [1, 1]),
    Case(clients: 3, rows: 17, columns: 5, weights: [0.3, 1.7, 0.25]),
    Case(clients: 5, rows: 8, columns: 31, weights: [1, -0.2, 1, 0, 3], parameters: ["threshold": 0.3, "scale": 0.7]),
    Case(
      clients: 4, rows: 9, columns: 40, weights: [Double](repeating: 0.25, count: 4), parameters: ["threshold": 1]),
  ]

  @Test(arguments: Language.allCases, cases) func `is the same to the last bit`(
    _ language: Language, _ example: Case
  ) throws {
    let stream = RandomStream(seed: 5, example.testDescription)
    let matrices = (0..<example.clients).map { client in
      (0..<example.rows * example.columns).map { index in
        Float(Double(Int64(bitPattern: stream.block(UInt64(index * example.clients + client)).0)) * 0x1p-63)
      }
    }
    let merged = try [language, .c].map { language in
      try merge(matrices, example, language).map(\.bitPattern)
    }
    #expect(merged[0] == merged[1])
    #expect(example.rows == 0 || merged[0].contains { $0 != 0 })
  }

  /// With values and weights that are multiples of 1/8, whole numbers tell the result exactly: a test of the arithmetic by
  /// another one.
  @Test(arguments: Language.allCases) func `is what whole numbers say`(_ language: Language) throws {
    let weights = [8, 4, -12, 16]
    let stream = RandomStream(seed: 6, "whole")
    let values = (0..<4).map { client in (0..<96).map { Int(stream.block(UInt64($0 * 4 + client)).0 % 129) - 64 } }
    let expected = (0..<96).map { index -> Float in
      let shares = zip(weights, values).map { $0 * $1[index] }
      let (sum, total) = (shares.reduce(0, +), shares.reduce(0) { $0 + abs($1) })
      // Agreement of at least 3/4; scale 2.
      return total > 0 && abs(sum) * 4 >= total * 3 ? Float(sum * 2) / 64 : 0
    }
    let example = Case(
      clients: 4, rows: 8, columns: 12, weights: weights.map { Double($0) / 8 },
      parameters: ["threshold": 0.75, "scale": 2])
    let merged = try merge(values.map { $0.map { Float($0) / 8 } }, example, language)
    #expect(merged == expected)
    #expect(expected.contains(0) && expected.contains { $0 != 0 })
  }

  @Test(arguments: Language.allCases) func `does not depend on the order of the clients`(_ language: Language) throws {
    let matrices: [[Float]] = [[0.1, 1e8, -3], [0.7, 3, 0.25], [-0.2, 0.1, 7]]
    let forwards = Case(clients: 3, rows: 1, columns: 3, weights: [0.3, 1, 0.9], parameters: ["threshold": 0])
    var backwards = forwards
    backwards.weights.reverse()
    let merged = try (merge(matrices, forwards, language), merge(matrices.reversed(), backwards, language))
    #expect(merged.0 == merged.1)
  }

  @Test(arguments: Language.allCases) func `refuses what is not finite`(_ language: Language) throws {
    let example = Case(clients: 2, rows: 1, columns: 2, weights: [1, 1])
    for value in [Float.nan, .infinity] {
      let failure = #expect(throws: Failure.self) { try merge([[1, 2], [3, value]], example, language) }
      #expect(failure?.kind == .badData)
      #expect(failure?.message.contains("client 'c1' has a value that is not finite") == true)
    }
  }

  private func merge(_ matrices: [[Float]], _ example: Case, _ language: Language) throws -> [Float] {
    try Project.example(language).loaded().mergeMethods[0].merge(
      matrices, rows: example.rows, columns: example.columns, weights: example.weights,
      example.parameters.mapValues { .number($0) })
  }
}
