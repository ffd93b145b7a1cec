import Adapters
import Diagnostics
import LowRank
import PluginHost
import Tensors

/// One client's input for a module.
package struct ModuleInput: Sendable {
  private let weightedAdapter: WeightedAdapter
  /// The client's index among the weighted adapters.
  package let index: Int
  package let scaling: Double
  package let outputs: Int
  package let inputs: Int
  package let rank: Int
  /// The bias of lora_B, if there is one; scaled like B·A.
  let bias: [Float]?
  package let stream: UInt64
  /// The source of the factors; nil for the zeros of a client that lacks the module.
  private let module: LoRAModule?
  /// The factors, if they are held in memory.
  private let held: Term?

  /// - parameter holds: Whether the factors are read now, and held.
  package init(_ weightedAdapter: WeightedAdapter, index: Int, _ module: LoRAModule, seed: UInt64, holds: Bool) throws {
    self.weightedAdapter = weightedAdapter
    self.index = index
    scaling = module.scaling
    (outputs, inputs, rank) = (module.outputs, module.inputs, module.rank)
    bias = try module.bias?.floats()
    stream = RandomStream(seed: seed, weightedAdapter.client, module.name).key
    self.module = module
    held = holds ? try module.term : nil
  }

  /// A zero in place of a module that a client lacks, of the size and rank of `model`.
  package init(absent weightedAdapter: WeightedAdapter, index: Int, like model: ModuleInput) {
    self.weightedAdapter = weightedAdapter
    self.index = index
    scaling = 1
    (outputs, inputs, rank) = (model.outputs, model.inputs, model.rank)
    bias = nil
    stream = 0
    module = nil
    held = nil
  }

  /// The client's index in the recipe.
  package var place: Int { weightedAdapter.place }
  package var client: String { weightedAdapter.client }
  package var weight: Double { weightedAdapter.weight }
  var isAbsent: Bool { module == nil }

  /// B and A as in the file; the coefficient is the scaling.
  ///
  /// - throws: ``Failure`` `badData` that names the client if a number is NaN or infinite.
  package func term() throws -> Term {
    if let held { return held }
    guard let module else {
      return try Term(b: Matrix(rows: outputs, columns: rank), a: Matrix(rows: rank, columns: inputs))
    }
    return try locating(client: client) { try module.term }
  }

  /// The failure for an update that float32 cannot hold.
  var beyondFloat32: Failure {
    Failure(
      .badData, "the update s·B·A is beyond the range of float32, though the factors are not",
      advice: "leave this client out, or use an earlier checkpoint of it", client: client)
  }

  /// The failure for an update that float32 would hold only in part, or as zeros.
  var belowFloat32: Failure {
    Failure(
      .badData, "the update s·B·A, times its weight, is below the range of float32, though the factors are not",
      advice: "leave this client out (--without), or merge with a method that works on factors: --method average",
      client: client)
  }

  /// Reads some rows of one of the two factors into `target`, which has room for them.
  package func read(_ rows: Range<Int>, of part: MergeUnit.Part, into target: UnsafeMutablePointer<Float>) throws {
    let columns = part == .a ? inputs : rank
    let range = rows.lowerBound * columns..<rows.upperBound * columns
    if let held {
      return (part == .a ? held.a : held.b).withUnsafeBufferPointer {
        target.update(from: $0.baseAddress! + range.lowerBound, count: range.count)
      }
    }
    guard let module else { return target.update(repeating: 0, count: range.count) }
    try locating(client: client) { try (part == .a ? module.a : module.b).load(range, into: target) }
  }

  /// One of the two factors; the other is not read.
  package func factor(_ part: MergeUnit.Part) throws -> Matrix<Float> {
    if let held { return part == .a ? held.a : held.b }
    guard let module else {
      return try part == .a ? Matrix(rows: rank, columns: inputs) : Matrix(rows: outputs, columns: rank)
    }
    return try locating(client: client) { try part == .a ? module.factorA : module.factorB }
  }
}

extension LoRAModule {
  /// s·B·A in float32.
  package var term: Term {
    get throws { try Term(coefficient: scaling, b: factorB, a: factorA) }
  }

  /// A in float32, [r, in].
  fileprivate var factorA: Matrix<Float> {
    get throws { try a.matrix(rows: rank, columns: inputs) }
  }

  /// B in float32, [out, r].
  fileprivate var factorB: Matrix<Float> {
    get throws { try b.matrix(rows: outputs, columns: rank) }
  }
}

extension Tensor {
  fileprivate func matrix(rows: Int, columns: Int) throws -> Matrix<Float> {
    try Matrix(rows: rows, columns: columns) { if let start = $0.baseAddress { try load(0..<count, into: start) } }
  }
}
