import Diagnostics
import Merging
import Recipes
import Scoring
import Tensors

extension [Client] {
  /// Each client's adapter and weight in the merge, in this order.
  ///
  /// Clients trained on anchor data are not merged, nor are those of which a selection keeps nothing.
  package func weightedAdapters(_ recipe: Recipe, _ selection: SampleSelection?) throws -> [WeightedAdapter] {
    let shares = Dictionary(uniqueKeysWithValues: (selection?.clients ?? []).map { ($0.client, $0) })
    let merged = filter { !$0.isAnchor && shares[$0.name]?.kept != 0 }
    guard !merged.isEmpty else {
      throw Failure(
        .badData, "nothing is left to merge: the selection keeps no sample of any client",
        advice: "check the threshold and the anchors: `clues select` prints both")
    }
    let weights = try merged.weights(recipe, shares)
    return try zip(merged, weights).map { try $0.weightedAdapter(weight: $1) }
  }

  /// The weights as given in the recipe or derived by its rule; derived ones have mean 1.
  ///
  /// TIES divides by the number of clients that agree, so weights of mean 1 preserve its scale; an average divides by their
  /// sum anyway.
  private func weights(_ recipe: Recipe, _ shares: [String: SampleSelection.ClientSelection]) throws -> [Double] {
    if recipe.clients.contains(where: { $0.value.weight != nil }) {
      return map { recipe.clients[$0.place].value.weight?.value ?? 1 }
    }
    guard let weighting = recipe.weights else { return map { _ in 1 } }
    let raw = try map { client -> Double in
      let share = shares[client.name]
      if weighting.value == .samples {
        // The ledger may show that clues.json counts wrongly.
        _ = try locating(client: client.name) { try client.bundle.readLedger() }
      }
      let weight = weighting.value.weight(
        samples: client.bundle.trainingSampleCount, kept: share?.kept ?? 0, share: share?.keptShare ?? 0,
        excess: share?.excess ?? 0)
      guard let weight else {
        throw recipe.failure(
          "weights 'samples' needs the number of training samples, but client '\(client.name)' does not give it",
          at: weighting.origin,
          advice: "its bundle needs a samples.jsonl or a clues.json; or give the weights explicitly")
      }
      return weight
    }
    guard let weights = Recipe.Weighting.scaled(raw) else {
      throw recipe.failure(
        "weights '\(weighting.value.rawValue)' gives every client the weight 0", at: weighting.origin,
        advice: "derive them differently, or give them explicitly")
    }
    return weights
  }

  /// The notes of the bundles and adapters.
  package var notes: [Note] {
    flatMap { client in
      (client.bundle.notes + (client.adapter?.notes ?? [])).map { .info("\(client.name): \($0)") }
    }
  }
}

extension Recipe.Weighting {
  /// A client's weight before those of all are scaled.
  ///
  /// - parameters:
  ///   - kept: How many of its samples the selection keeps.
  ///   - share: Which share of them.
  ///   - excess: The sum of the kept scores' distances above the threshold.
  /// - returns: Nil if the weight is the number of samples and that is unknown.
  package func weight(samples: Int?, kept: Int, share: Double, excess: Double) -> Double? {
    switch self {
    case .equal: 1
    case .samples: samples.flatMap { $0 > 0 ? Double($0) : nil }
    case .keptSamples: Double(kept)
    case .keptShare: share
    case .keptScore: excess
    }
  }

  /// The weights scaled to a mean of 1; nil if all are 0.
  package static func scaled(_ weights: [Double]) -> [Double]? {
    let mean = weights.reduce(0, +) / Double(weights.count)
    return mean > 0 && mean.isFinite ? weights.map { $0 / mean } : nil
  }
}

extension Client {
  /// The client's adapter and weight in a merge.
  package func weightedAdapter(weight: Double) throws -> WeightedAdapter {
    guard let adapter else { throw Failure(.badData, "has no adapter", client: name, file: bundle.path) }
    return WeightedAdapter(client: name, place: place, adapter: adapter, weight: weight)
  }
}

extension [WeightedAdapter] {
  /// The type of all factors, or float32 if they differ.
  var commonDType: DType {
    let dtypes = reduce(into: Set<DType>()) { $0.formUnion($1.adapter.dtypes) }
    return dtypes.count == 1 ? dtypes.first! : .f32
  }
}

extension MergeSettings {
  /// Checks that the method accepts the number of clients left by a selection; the recipe's own were counted before.
  func checkCount(of weightedAdapters: [WeightedAdapter], amongst clients: [Client]) throws {
    guard !(method.minimumInputs...method.maximumInputs).contains(weightedAdapters.count) else { return }
    let dropped = clients.filter { client in
      !client.isAnchor && !weightedAdapters.contains { $0.client == client.name }
    }
    let names = dropped.map { "'\($0.name)'" }.joined(separator: ", ")
    throw Failure(
      .badData,
      "the method '\(method.about.id)' merges \(Self.inputs(of: method)), and \(weightedAdapters.count) are left: "
        + "the selection keeps no sample of \(names)",
      advice: "check the threshold (`clues select` prints it), or use a method that merges \(weightedAdapters.count)"
    )
  }
}
