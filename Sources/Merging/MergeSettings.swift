import Adapters
import Diagnostics
import JSON
import PluginHost
import Recipes
import Tensors

/// The settings of a merge, with the method resolved and everything checked that needs no data.
package struct MergeSettings: Sendable {
  package let method: MergeMethodPlugin
  package let space: Space
  package let parameters: ParameterPlan
  package let rank: TargetRank
  package let split: Recipe.FactorWeighting
  let keepsResidual: Bool
  /// Whether dense results are decomposed exactly.
  let isExact: Bool
  package let missing: Recipe.Missing
  package let absolute: Recipe.Absolute
  package let baseModel: String?
  package let dtype: DType?
  /// The layout of the modules' ranks; nil for one rank if that costs little.
  package let rankLayout: RankLayout.Style?
  package let seed: UInt64

  /// The rank of the result.
  package enum TargetRank: Sendable, Equatable {
    case count(Int)
    case same
    case full
    case energy(Double)
  }

  /// Finds the method and checks space, parameters and the number of clients.
  package init(_ recipe: Recipe, _ merge: Recipe.Merge, in catalog: PluginCatalog) throws {
    method = try recipe.locating(merge.method.origin) {
      try Self.advising(about: merge.method.value) { try catalog.mergeMethod(merge.method.value) }
    }
    let space = merge.space.map { Space($0.value) } ?? method.defaultSpace
    // A linear method can be computed exactly in every space.
    guard method.spaces.contains(space) else {
      throw recipe.failure(
        "the method '\(method.about.id)' does not work in the space '\(space.rawValue)'",
        at: merge.space?.origin ?? merge.method.origin,
        advice: "its spaces are " + method.spaces.map(\.rawValue).joined(separator: ", "))
    }
    self.space = space
    let count = recipe.clients.count { !($0.value.anchor?.value ?? false) }
    guard (method.minimumInputs...method.maximumInputs).contains(count) else {
      throw recipe.failure(
        "the method '\(method.about.id)' merges \(Self.inputs(of: method)), but there are \(count)",
        at: merge.method.origin,
        advice: count > method.maximumInputs
          ? "leave clients out (--without CLIENT), or choose a method that merges more, such as 'average'"
          : "add clients, or choose a method that merges fewer, such as 'average'")
    }
    parameters = try ParameterPlan(recipe, merge, schema: method.about.parameters, of: method.about.id)
    if let energy = merge.energy {
      rank = .energy(energy.value)
    } else {
      switch merge.rank?.value {
      case .count(let count): rank = .count(count)
      case .same: rank = .same
      case .full: rank = .full
      // By default nothing is lost if it can be avoided; a merge of dense deltas has full rank, so it is cut.
      case nil: rank = space == .delta && !method.isLinear ? .same : .full
      }
    }
    if space == .factors, merge.rank != nil || merge.energy != nil {
      throw recipe.failure(
        "the space 'factors' keeps the rank of its inputs", at: (merge.rank?.origin ?? merge.energy?.origin)!,
        advice: "omit rank and energy, or merge in another space")
    }
    if let split = merge.split, !split.isDefault, space != .factors {
      throw recipe.failure(
        "'split' has no meaning in the space '\(space.rawValue)'", at: split.origin,
        advice: "omit it, or merge in the space 'factors'")
    }
    split = merge.split?.value ?? .sqrt
    keepsResidual = merge.residual?.value ?? false
    isExact = merge.exact?.value ?? false
    if keepsResidual, space == .factors || (space == .delta && !method.isLinear) {
      throw recipe.failure(
        "the method '\(method.about.id)' leaves no residual of low rank in the space '\(space.rawValue)'",
        at: merge.residual?.origin ?? merge.method.origin, advice: "merge in the space 'core', or without residual")
    }
    missing = merge.missing.value
    absolute = merge.absolute.value
    baseModel = merge.baseModel?.value
    let precision = recipe.output.value.dtype.value
    dtype = precision == .auto ? nil : DType(name: precision.rawValue)
    rankLayout = recipe.output.value.rankLayout.flatMap { RankLayout.Style(rawValue: $0.value.rawValue) }
    seed = recipe.seed.value
  }
}

extension MergeSettings {
  /// "2 adapters", "at least 3 adapters".
  package static func inputs(of method: MergeMethodPlugin) -> String {
    method.minimumInputs == method.maximumInputs
      ? "\(method.minimumInputs) adapters" : "at least \(method.minimumInputs) adapters"
  }

  /// Runs `body` and adds advice about methods of other programs.
  private static func advising<Result>(about name: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch var failure as Failure where failure.kind == .pluginNotFound {
      failure.advice = ForeignMethod.advice(about: name) ?? failure.advice
      throw failure
    }
  }

  /// Notes on a merge with these settings.
  package func notes(_ weightedAdapters: [WeightedAdapter], _ record: MergeFigures?) -> [Note] {
    var notes: [Note] = []
    if space == .factors, weightedAdapters.count > 1 {
      notes.append(
        .warning(
          "the space 'factors' merges A and B separately, which leaves cross terms between clients: the result is not what "
            + "the method would make of the updates; 'stack' and 'delta' are exact"))
    }
    let largest = record?.modules.map(\.rank).max() ?? 0
    if largest > 16 {
      notes.append(
        .warning(
          "the merged rank is \(largest); vLLM accepts up to 16 unless started with --max-lora-rank; merge.rank lowers it"
        ))
    }
    if let share = record?.discardedShare, share > 0 {
      notes.append(.info("compression dropped \(percent(share)) of the merged deltas' energy"))
    }
    return notes + (record?.replaced?.notes ?? [])
  }
}

extension Space {
  package init(_ space: Recipe.Space) {
    switch space {
    case .stack: self = .stack
    case .core: self = .core
    case .delta: self = .delta
    case .factors: self = .factors
    }
  }
}

extension Recipe.Space {
  package init(_ space: Space) {
    switch space {
    case .stack: self = .stack
    case .core: self = .core
    case .delta: self = .delta
    case .factors: self = .factors
    }
  }
}
