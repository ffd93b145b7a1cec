import Adapters
import Diagnostics
import LowRank
import Tensors

extension Merger {
  /// The positions of the result's tensors, if they can be known before the merge.
  ///
  /// The ranks are a guess: a tensor that turns out to have another has no place in the layout.
  package func expectedTensors(
    dtype: DType, _ absolutes: [(name: String, tensor: Tensor)]
  ) -> [WeightsLayout.Entry]? {
    let names = PEFTRules.fileNames(ofReplaced: absolutes.map(\.name), besides: modules)
    var entries = absolutes.map {
      WeightsLayout.Entry(
        name: tensorName(of: names[$0.name] ?? $0.name), dtype: $0.tensor.dtype, shape: $0.tensor.shape)
    }
    var expected: [(model: LoRAModule, rank: Int)] = []
    for name in modules {
      let models = weightedAdapters.compactMap { $0.adapter.modules[name] }
      guard let model = models.first, let rank = expectedRank(of: models), models.allSatisfy({ $0.bias == nil }) else {
        return nil
      }
      expected.append((model, rank))
    }
    let ranks = RankLayout(
      expected.map { .init(name: $0.model.name, rank: $0.rank, width: $0.model.outputs + $0.model.inputs) },
      style: settings.rankLayout)
    for (model, rank) in expected {
      let (a, b) = model.shapes(ofRank: ranks.rank(of: model.name) ?? rank)
      for (parameter, shape) in zip(model.parameters, [a, b]) {
        entries.append(.init(name: tensorName(of: parameter.name), dtype: dtype, shape: shape))
      }
    }
    return entries
  }

  private func expectedRank(of models: [LoRAModule]) -> Int? {
    let ranks = models.map(\.rank)
    let most = min(models[0].outputs, models[0].inputs)
    if settings.space == .factors { return ranks[0] }
    let possible = settings.method.isLinear ? min(most, ranks.reduce(0, +)) : most
    switch settings.rank {
    case .count(let count): return min(count, possible)
    case .same: return min(ranks.max() ?? 1, possible)
    case .full: return settings.method.isLinear ? possible : nil
    case .energy: return nil
    }
  }

  /// Merged factors in the type in which they are written, in the draft if they have a place there.
  ///
  /// If a 16-bit type would change the product by more than rounding explains, it is float32.
  ///
  /// - parameter energy: ‖B·A‖²_F, if it is known.
  func stored(
    _ factors: Factors, _ name: String, bias: [Float]? = nil, energy: Double? = nil, as dtype: DType,
    into draft: WeightsDraft? = nil
  ) throws -> MergedAdapter.Module {
    let wanted = dtype
    let (factors, dtype) = try fitted(factors, dtype, energy)
    guard let model = weightedAdapters.lazy.compactMap({ $0.adapter.modules[name] }).first else {
      preconditionFailure("a merged module comes from a client")
    }
    let (a, b) = model.shapes(ofRank: factors.rank)
    func store(_ matrix: Matrix<Float>, _ shape: [Int], _ index: Int) throws -> Tensor {
      try draft?.write(matrix, shape: shape, dtype, to: tensorName(of: model.parameters[index].name))
        ?? Merging.stored(matrix.elements, shape: shape, dtype)
    }
    return MergedAdapter.Module(
      name: name, kind: model.kind, a: try store(factors.a, a, 0), b: try store(factors.b, b, 1),
      bias: try bias.map { try storedFaithfully($0, shape: [$0.count], wanted) })
  }

  private func fitted(_ factors: Factors, _ dtype: DType, _ energy: Double?) throws -> (Factors, DType) {
    guard dtype.halfRoundoff != nil else { return (factors, dtype) }
    let rounded = try factors.rounded(to: dtype, energy: energy)
    guard rounded.isInRange else { throw tooLarge(dtype) }
    return rounded.isFaithful ? (rounded.factors, dtype) : (factors, .f32)
  }
}

extension WeightsDraft {
  /// A module with the rank for which there is a place, its bytes there; unchanged if it needs a larger one.
  func placed(_ module: MergedAdapter.Module) throws -> MergedAdapter.Module {
    let names = LoRAModule.parameters(module.name, module.kind).map { tensorName(of: $0) }
    guard let rank = shape(of: names[0])?.first, rank > module.rank else { return module }
    let wide = module.written(withRank: rank)
    guard let a = try write(wide.a, to: names[0]), let b = try write(wide.b, to: names[1]) else { return module }
    return MergedAdapter.Module(
      name: module.name, kind: module.kind, a: a, b: b, bias: module.bias, neededRank: module.neededRank)
  }
}

extension LoRAModule {
  /// The shapes of A and B for another rank.
  fileprivate func shapes(ofRank rank: Int) -> (a: [Int], b: [Int]) {
    ([rank] + a.shape.dropFirst(), [outputs, rank] + b.shape.dropFirst(2))
  }
}
