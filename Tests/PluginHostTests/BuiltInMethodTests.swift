import Diagnostics
import JSON
import PluginHost
import Tensors
import TestSupport
import Testing

/// The plugins that ship, through the door that all plugins use, against plain loops in float64.
@Suite struct BuiltInMethodTests {
  func average(_ weights: [Double], _ settings: [String: JSONValue] = [:]) throws -> [Double] {
    let unit = MergeUnit(
      module: "m", space: .stack,
      inputs: weights.enumerated().map { .init(client: "c\($0)", index: 0, weight: $1, stream: 0) })
    return try builtInCatalog().mergeMethod("average").instance(settings).coefficients(unit)
  }

  @Test func theAverageDividesByTheWeights() throws {
    #expect(try average([1, 1, 2]) == [0.25, 0.25, 0.5])
    #expect(try average([3]) == [1])
    #expect(try average([2, -1]) == [2, -1])
    #expect(try average([0, 5]) == [0, 1])
    #expect(try average([1, 0.5], ["normalize": false]) == [1, 0.5])
    #expect(try average([1, -1], ["normalize": false]) == [1, -1])
  }

  @Test func theAverageOfNothingIsRefused() {
    for weights in [[1.0, -1], [0, 0], [1, -1 + 1e-12]] {
      let failure = #expect(throws: Failure.self) { try average(weights) }
      #expect(failure?.kind == .badData)
      #expect(failure?.message.contains("there is no weighted mean") == true)
    }
  }

  func ties(
    _ matrices: [[Float]], weights: [Double]? = nil, _ settings: [String: JSONValue] = [:]
  ) throws -> [Float] {
    try builtInCatalog().mergeMethod("ties").merge(
      matrices, rows: 1, columns: matrices[0].count, weights: weights, settings)
  }

  /// TIES as its paper says, by sorting.
  func oracle(_ matrices: [[Float]], density: Double) -> [Double] {
    let trimmed = matrices.map { matrix in
      let kept = Set(
        matrix.indices.sorted { (matrix[$1].magnitude, $0) < (matrix[$0].magnitude, $1) }
          .prefix(Int(density * Double(matrix.count))))
      return matrix.indices.map { kept.contains($0) ? Double(matrix[$0]) : 0 }
    }
    return matrices[0].indices.map { entry in
      let values = trimmed.map { $0[entry] }
      let isPlus = values.reduce(0, +) >= 0
      let agreeing = values.filter { $0 != 0 && ($0 > 0) == isPlus }
      return agreeing.isEmpty ? 0 : agreeing.reduce(0, +) / Double(agreeing.count)
    }
  }

  func random(_ count: Int, stream: UInt64) -> [Float] {
    (0..<count).map { place in
      let word = RandomStream(key: stream).block(UInt64(place)).0
      return Float(Int64(bitPattern: word) >> 44) / 4096
    }
  }

  @Test(arguments: [0.0, 0.1, 0.37, 0.5, 0.99, 1.0]) func tiesIsThatOfThePaper(_ density: Double) throws {
    let matrices = (0..<5).map { random(601, stream: $0) }
    let merged = try ties(matrices, ["density": .number(density)])
    let expected = oracle(matrices, density: density)
    #expect(zip(merged, expected).allSatisfy { $0 == Float($1) })
    #expect(merged.contains { $0 != 0 } == (density > 0))
  }

  @Test func oneInputThatKeepsEverythingComesBack() throws {
    let matrix = random(100, stream: 9)
    #expect(try ties([matrix], ["density": 1]) == matrix)
  }

  @Test func theOrderOfInputsDoesNotMatter() throws {
    let matrices = (0..<4).map { random(64, stream: $0) }
    // Sums of a few multiples of 2⁻¹² are exact, so even the bytes agree.
    let merged = try ties(matrices, ["density": 0.4])
    #expect(try ties(matrices.reversed(), ["density": 0.4]) == merged)
    #expect(try ties([matrices[2], matrices[0], matrices[3], matrices[1]], ["density": 0.4]) == merged)
  }

  @Test func ofEqualMagnitudesTheFirstStay() throws {
    #expect(try ties([[1, -1, 1, 1, 5, -1]], ["density": 0.5]) == [1, -1, 0, 0, 5, 0])
    #expect(try ties([[2, 2, 2, 2]], ["density": 0.25]) == [2, 0, 0, 0])
    #expect(try ties([[0, 0, 0, 0]], ["density": 0.5]) == [0, 0, 0, 0])
  }

  @Test func tinyMatricesMayLoseEverything() throws {
    #expect(try ties([[3]], ["density": 0.2]) == [0])
    #expect(try ties([[3]], ["density": 1]) == [3])
  }

  @Test func aTieElectsPlus() throws {
    #expect(try ties([[2], [-2]], ["density": 1]) == [2])
    #expect(try ties([[1], [1], [-4]], ["density": 1, "elect": "frequency"]) == [1])
    #expect(try ties([[1], [1], [-4]], ["density": 1]) == [-4])
  }

  @Test func rulesOfTheGameAreParameters() throws {
    let inputs: [[Float]] = [[4], [2], [-3]]
    #expect(try ties(inputs, weights: [1, 3, 1], ["density": 1]) == [5])
    #expect(try ties(inputs, weights: [1, 3, 1], ["density": 1, "divide": "weights"]) == [2.5])
    #expect(try ties(inputs, weights: [1, 3, 1], ["density": 1, "divide": "weights", "lambda": 2]) == [5])
    #expect(
      try ties(inputs, weights: [1, 1, 9], ["density": 1, "election": "weighted", "divide": "weights"]) == [-3])
  }

  @Test func parametersOutOfRangeNeverReachThePlugin() {
    let failure = #expect(throws: Failure.self) { try ties([[1]], ["density": 1.5]) }
    #expect(failure?.kind == .badRecipe)
    expectFailure(.badRecipe, "'elect' must be one of") { try ties([[1]], ["elect": "mean"]) }
  }
}
