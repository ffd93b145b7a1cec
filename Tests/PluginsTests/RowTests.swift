import JSON
import PluginHost
import Tensors
import Testing

/// Methods that merge by rows give the bits that they give of whole matrices, whatever is in memory at once.
@Suite struct RowTests {
  /// More entries than a search holds, so that a sample of rows has to tell where the cut is.
  private static let rows = 1100
  private static let columns = 1000

  enum Kind: CaseIterable, Sendable {
    /// As updates are: all rows alike.
    case even
    /// Few magnitudes, so that a cut ends among many equals.
    case coarse
    /// What the sampled rows have is no guide to the others.
    case misleading

    func values(_ seed: UInt64) -> [Float] {
      var words = [UInt64](repeating: 0, count: RowTests.rows * RowTests.columns)
      words.withUnsafeMutableBufferPointer { RandomStream(key: seed).fill($0, from: 0) }
      return words.enumerated().map { place, word in
        let value = Float(Int64(bitPattern: word)) * 0x1p-63
        switch self {
        case .even: return value * value * value
        case .coarse: return (value * 8).rounded()
        case .misleading: return place / RowTests.columns % 35 < 8 ? value * 0x1p-20 : value
        }
      }
    }
  }

  static let methods: [String] = try! catalog.get().mergeMethods.filter(\.mergesRows).map(\.about.id)

  @Test func `these methods do so`() {
    #expect(
      Set(Self.methods) == [
        "ties", "dare-ties", "dare-linear", "magnitude-prune", "breadcrumbs", "breadcrumbs-ties", "della",
        "della-linear", "sce", "median", "trimmed-mean",
      ])
  }

  @Test(arguments: methods, RowTests.Kind.allCases)
  func `rows are those of the whole`(_ method: String, _ kind: Kind) throws {
    let inputs = (0..<2).map { Input(client: "c\($0)", values: kind.values(UInt64($0) + 3)) }
    let ties: [[String: JSONValue]] = [["density": 0.001], ["rescale": "l1"]]
    for parameters in [[:]] + (method == "ties" ? ties : []) {
      let run = MethodRun(method: method, parameters: parameters)
      let whole = try run(inputs, rows: Self.rows)
      #expect(try byRows(run, inputs) == whole, "\(parameters)")
    }
  }

  private func byRows(_ run: MethodRun, _ inputs: [Input]) throws -> [Float] {
    let instance = try run.instance().1
    let size = try #require(try instance.noteSize())
    let notes = UnsafeMutableRawPointer.allocate(byteCount: size * inputs.count, alignment: 64)
    defer { notes.deallocate() }
    notes.initializeMemory(as: UInt8.self, repeating: 0, count: size * inputs.count)
    var unit = MergeUnit(
      module: "module", space: .delta, rows: Self.rows, columns: Self.columns,
      inputs: inputs.enumerated().map {
        .init(client: $1.client, index: $0, weight: $1.weight, stream: $1.stream)
      })
    for (place, input) in inputs.enumerated() {
      try input.values.withUnsafeBufferPointer { values in
        nonisolated(unsafe) let start = values.baseAddress!
        let read: MergeUnit.RowReader = { lines, target in
          target.update(from: start + lines.lowerBound * Self.columns, count: lines.count * Self.columns)
        }
        try instance.note(unit, input: place, reading: read, into: notes + place * size)
      }
    }
    var result = [Float](repeating: .nan, count: Self.rows * Self.columns)
    let height = 37
    for first in stride(from: 0, to: Self.rows, by: height) {
      let lines = first..<min(first + height, Self.rows)
      unit.rows = lines.count
      try inputs[0].values.withUnsafeBufferPointer { a in
        try inputs[1].values.withUnsafeBufferPointer { b in
          unit.inputs[0].values = a.baseAddress! + first * Self.columns
          unit.inputs[1].values = b.baseAddress! + first * Self.columns
          try result.withUnsafeMutableBufferPointer {
            try instance.mergeRows(unit, from: first, notes: notes, into: $0.baseAddress! + first * Self.columns)
          }
        }
      }
    }
    return result
  }
}
