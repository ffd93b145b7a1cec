import CKernels
import Diagnostics
import LowRank
import PluginHost
import Tensors

/// The merge of one module: takes the clients' terms into the space of the merge and the result back to factors.
package struct ModuleMerge: Sendable {
  package let name: String
  package let settings: MergeSettings
  package let moduleInputs: [ModuleInput]
  let methods: MethodPool
  package let mergeSurvey: MergeSurvey
  /// The number of elements of all clients merged at a time by methods that support rows.
  let bandElements: Int
  /// The number of threads that may work on the module.
  package let threads: Int

  /// The result as factors, and its energy before and after compression.
  package struct Result {
    package let factors: Factors
    package let energy: Double
    package let discardedEnergy: Double
    var bias: [Float]?
    package var residual: Factors?
    /// The coefficients of a linear method, without scaling, in the order of the inputs.
    package var coefficients: [Double]?
    package var rank: Int { factors.rank }
  }

  package func run() throws -> Result {
    if settings.space == .factors { return try mergeFactors() }
    if settings.method.isLinear {
      let coefficients = try coefficients()
      var result = try compressed(sum(coefficients))
      result.bias = try bias(coefficients)
      result.coefficients = coefficients
      return result
    }
    return settings.space == .core ? try mergeCores() : try mergeDeltas()
  }

  /// Shows the module to the survey of the method.
  package func survey(pass: Int, into record: SurveyRecord) throws {
    switch settings.space {
    case .stack: preconditionFailure("a method without coefficients does not work in the space 'stack'")
    case .core: try survey(cores(in: CoreSpace(terms())), pass: pass, into: record)
    case .delta: try survey(.whole, pass: pass, into: record)
    case .factors:
      let weights = moduleInputs.map(\.weight)
      try survey(.a, weights: side(.a, weights), pass: pass, into: record)
      try survey(.b, weights: side(.b, weights), pass: pass, into: record)
    }
  }

  // MARK: Linear methods

  /// The coefficients of a linear method, without scaling.
  private func coefficients() throws -> [Double] {
    var unit = unit()
    if settings.method.wantsInnerProducts { unit.innerProducts = try gram(terms()).elements }
    unit.adapterInnerProducts = mergeSurvey.innerProducts(of: moduleInputs.map(\.index))
    return try methods.lend { try $0.coefficients(unit) }
  }

  /// Σ cᵢ·sᵢ·Bᵢ·Aᵢ as terms, without zeros.
  private func sum(_ coefficients: [Double]) throws -> [Term] {
    let terms = try zip(moduleInputs, coefficients).compactMap { moduleInput, coefficient -> Term? in
      guard coefficient != 0, !moduleInput.isAbsent else { return nil }
      return try Term(coefficient: coefficient * moduleInput.scaling, factors: moduleInput.term().factors)
    }
    // A sum of nothing is still a module of its size.
    return try terms.isEmpty ? [Term(coefficient: 0, factors: moduleInputs[0].term().factors)] : terms
  }

  private func compressed(_ terms: [Term]) throws -> Result {
    var result = Result(try compress(terms, to: rank))
    if settings.keepsResidual { result.residual = try residual(of: terms, after: result.factors) }
    return result
  }

  /// Σ cᵢ·sᵢ·bᵢ, which is exact: a bias is added to the output as B·A is.
  private func bias(_ coefficients: [Double]) throws -> [Float]? {
    let biased = zip(moduleInputs, coefficients).filter { $0.0.bias != nil }
    guard let width = biased.first?.0.bias?.count else { return nil }
    return try narrowed(
      (0..<width).map { place in biased.reduce(0) { $0 + $1.1 * $1.0.scaling * Double($1.0.bias?[place] ?? 0) } })
  }

  /// The difference between a sum of terms and its compressed factors; nil if nothing was dropped.
  ///
  /// Its rank is that of the sum minus that of the factors, because these are the strongest directions of the sum.
  private func residual(of terms: [Term], after factors: Factors) throws -> Factors? {
    let whole = min(terms.reduce(0) { $0 + $1.rank }, factors.out, factors.in)
    guard whole > factors.rank else { return nil }
    return try compress(terms + [Term(coefficient: -1, factors: factors)], to: .exactly(whole - factors.rank)).factors
  }

  // MARK: Matrices

  private func mergeDeltas() throws -> Result {
    let merged = try merge(.whole)
    // The exact decomposition takes minutes for large layers; the sketch proves how good it is, or falls back to the exact one.
    let sketch = DenseMethod.sketched(RandomStream(seed: settings.seed, "sketch", name))
    let method = settings.isExact ? .exact : sketch
    return Result(try compress(dense: merged, to: rank, by: method, threads: threads))
  }

  private func mergeCores() throws -> Result {
    let space = try CoreSpace(terms())
    let merged = try merge(cores(in: space)).widened()
    var result = Result(try space.lift(merged, to: rank))
    if settings.keepsResidual {
      result.residual = try residual(of: [Term(factors: space.lift(merged, to: .full).factors)], after: result.factors)
    }
    return result
  }

  /// One part of every client, whole.
  package func matrices(_ part: MergeUnit.Part) throws -> [Matrix<Float>] {
    try moduleInputs.map { moduleInput in
      guard part == .whole else { return try moduleInput.factor(part) }
      return try locating(client: moduleInput.client) { try delta(of: [moduleInput.term()]) }
    }
  }

  private func cores(in space: CoreSpace) throws -> [Matrix<Float>] {
    try moduleInputs.map { moduleInput in
      // What is lost was checked beside the other clients' updates.
      try locating(client: moduleInput.client) { try space.project(moduleInput.term()).narrowed(losing: true) }
    }
  }

  /// A and B separately, as PEFT merges them: the weight is split between the two.
  private func mergeFactors() throws -> Result {
    let factors: Factors
    var bias: [Float]?
    var given: [Double]?
    if settings.method.isLinear {
      let coefficients = try coefficients()
      given = coefficients
      bias = try self.bias(coefficients)
      factors = try Factors(b: combined(.b, coefficients), a: combined(.a, coefficients))
    } else {
      let weights = moduleInputs.map(\.weight)
      factors = try Factors(
        b: merge(.b, weights: side(.b, weights)), a: merge(.a, weights: side(.a, weights)))
    }
    let energy = try roughGram([Term(factors: factors)])[0, 0]
    return Result(factors: factors, energy: energy, discardedEnergy: 0, bias: bias, coefficients: given)
  }

  /// The multiplier of each client's factor on one side.
  ///
  /// `sqrt` is PEFT's rule: √|w·s| on both sides, the sign on A. `whole` is FedAvg's: the weight on both sides, and of the
  /// scaling, which is part of the model there, the root on each.
  private func side(_ part: MergeUnit.Part, _ weights: [Double]) -> [Double] {
    zip(moduleInputs, weights).map { moduleInput, weight in
      switch settings.split {
      case .whole:
        return weight * moduleInput.scaling.magnitude.squareRoot() * (part == .a && moduleInput.scaling < 0 ? -1 : 1)
      case .sqrt:
        let product = weight * moduleInput.scaling
        return product.magnitude.squareRoot() * (part == .a && product < 0 ? -1 : 1)
      }
    }
  }

  private func terms() throws -> [Term] { try moduleInputs.map { try $0.term() } }

  /// The sum of one side, one client at a time.
  private func combined(_ part: MergeUnit.Part, _ coefficients: [Double]) throws -> Matrix<Float> {
    let (rows, columns) =
      part == .a ? (moduleInputs[0].rank, moduleInputs[0].inputs) : (moduleInputs[0].outputs, moduleInputs[0].rank)
    return try Matrix(rows: rows, columns: columns) { target in
      var sums = [Double](repeating: 0, count: target.count)
      for (moduleInput, coefficient) in zip(moduleInputs, side(part, coefficients)) {
        try moduleInput.factor(part).withUnsafeBufferPointer {
          for place in $0.indices { sums[place] += coefficient * Double($0[place]) }
        }
      }
      _ = target.initialize(fromContentsOf: try narrowed(sums))
    }
  }

  package func merge(
    _ matrices: [Matrix<Float>], part: MergeUnit.Part = .whole, weights: [Double]? = nil
  ) throws -> Matrix<Float> {
    let (rows, columns) = (matrices[0].rows, matrices[0].columns)
    return try Matrix(rows: rows, columns: columns) { target in
      guard let start = target.baseAddress else { return }
      try withUnit(matrices, part: part, weights: weights) { unit in
        try methods.lend { try $0.merge(unit, into: start) }
      }
      try checkFinite(start, count: target.count)
    }
  }

  /// Shows whole matrices to the survey of the method.
  package func survey(
    _ matrices: [Matrix<Float>], part: MergeUnit.Part = .whole, weights: [Double]? = nil, pass: Int,
    into record: SurveyRecord
  ) throws {
    try withUnit(matrices, part: part, weights: weights) { unit in
      try methods.lend { try $0.survey(unit, pass: pass, into: record) }
    }
  }

  /// Refuses a method's result unless all of it is finite.
  func checkFinite(_ merged: UnsafePointer<Float>, count: Int) throws {
    guard clues_all_finite(merged, count) != 0 else {
      throw Failure(
        .pluginFailed, "the method '\(settings.method.about.id)' returned NaN or infinite numbers",
        advice: "check its parameters: `clues plugins show \(settings.method.about.id)`")
    }
  }

  /// Lends the clients' matrices to `body`.
  private func withUnit(
    _ matrices: [Matrix<Float>], part: MergeUnit.Part, weights: [Double]?, _ body: (MergeUnit) throws -> Void
  ) throws {
    var unit = unit(part: part, weights: weights)
    (unit.rows, unit.columns) = (matrices[0].rows, matrices[0].columns)
    try withPointers(to: matrices) { pointers in
      for place in unit.inputs.indices { unit.inputs[place].values = pointers[place] }
      try body(unit)
    }
  }

  private func withPointers(
    to matrices: [Matrix<Float>], _ body: ([UnsafePointer<Float>?]) throws -> Void
  ) rethrows {
    func open(_ rest: ArraySlice<Matrix<Float>>, _ pointers: [UnsafePointer<Float>?]) throws {
      guard let first = rest.first else { return try body(pointers) }
      try first.withUnsafeBufferPointer { try open(rest.dropFirst(), pointers + [$0.baseAddress]) }
    }
    try open(matrices[...], [])
  }

  package func unit(part: MergeUnit.Part = .whole, weights: [Double]? = nil) -> MergeUnit {
    let weights = weights ?? moduleInputs.map(\.weight)
    return MergeUnit(
      module: name, space: settings.space, part: part,
      inputs: zip(moduleInputs, weights).map { moduleInput, weight in
        let stream =
          part == .whole ? moduleInput.stream : RandomStream(seed: moduleInput.stream, part == .a ? "A" : "B").key
        return .init(client: moduleInput.client, index: moduleInput.index, weight: weight, stream: stream)
      }, survey: mergeSurvey.survey)
  }

  private var isTallStack: Bool {
    let present = moduleInputs.filter { !$0.isAbsent }
    return present.reduce(0) { $0 + $1.rank } > min(moduleInputs[0].outputs, moduleInputs[0].inputs)
  }

  /// The rank of the result, as LowRank expresses it.
  private var rank: Rank {
    switch settings.rank {
    // A stack with more directions than the matrix has is redundant.
    case .full: isTallStack ? .exactly(min(moduleInputs[0].outputs, moduleInputs[0].inputs)) : .full
    case .count(let count): .exactly(count)
    case .energy(let share): .energy(share)
    case .same: .exactly(moduleInputs.filter { !$0.isAbsent }.map(\.rank).max() ?? 1)
    }
  }
}

extension ModuleMerge.Result {
  fileprivate init(_ compression: Compression) {
    self.init(
      factors: compression.factors, energy: compression.energy, discardedEnergy: compression.discardedEnergy)
  }
}
