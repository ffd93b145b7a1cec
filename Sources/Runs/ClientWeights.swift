import Diagnostics
import Merging
import Recipes
import Scoring
import Tensors

extension [Client] {
  /// What each client brings to the merge, in this order.
  ///
  /// Clients trained on anchor data are not merged, nor are those of which a selection keeps nothing.
  package func weightedAdapters(_ recipe: Recipe, _ selection: SampleSelection?) throws -> [WeightedAdapter] {
    let shares = Dictionary(uniqueKeysWithValues: (selection?.clients ?? []).map { ($0.client, $0) })
    let merged = filter { !$0.isAnchor && shares[$0.name]?.kept != 0 }
    guard !merged.isEmpty else {
      throw Failure(
        .badData, "nothing is left to merge: the selection keeps no sample of any client",
        advice: "look at the threshold and at the anchors: `clues select` prints both")
    }
    let weights = try merged.weights(recipe, shares)
    return try zip(merged, weights).map { try $0.weightedAdapter(weight: $1) }
  }

  /// The weights as the recipe gives them or says to derive them; derived ones have mean 1.
  ///
  /// TIES divides by the number of clients that agree, so weights of mean 1 keep its scale; an average divides by their
  /// sum anyway.
  private func weights(_ recipe: Recipe, _ shares: [String: SampleSelection.ClientSelection]) throws -> [Double] {
    if recipe.clients.contains(where: { $0.value.weight != nil }) {
      return map { recipe.clients[$0.place].value.weight?.value ?? 1 }
    }
    guard let weighting = recipe.weights else { return map { _ in 1 } }
    let raw = try map { client -> Double in
      let share = shares[client.name]
      switch weighting.value {
      case .equal: return 1
      case .samples:
        guard let count = client.bundle.trainingSampleCount, count > 0 else {
          throw recipe.failure(
            "weights 'samples' needs the number of training samples, and client '\(client.name)' does not say it",
            at: weighting.origin, advice: "its bundle needs a samples.jsonl or a clues.json; or write the weights out")
        }
        return Double(count)
      case .keptSamples: return Double(share?.kept ?? 0)
      case .keptShare: return share?.keptShare ?? 0
      case .keptScore: return share?.excess ?? 0
      }
    }
    let mean = raw.reduce(0, +) / Double(raw.count)
    guard mean > 0, mean.isFinite else {
      throw recipe.failure(
        "weights '\(weighting.value.rawValue)' gives every client the weight 0", at: weighting.origin,
        advice: "derive them otherwise, or write them out")
    }
    return raw.map { $0 / mean }
  }

  /// What the bundles and adapters had to say.
  package var notes: [Note] {
    flatMap { client in
      (client.bundle.notes + (client.adapter?.notes ?? [])).map { .info("\(client.name): \($0)") }
    }
  }
}

extension Client {
  /// What the client brings to a merge.
  package func weightedAdapter(weight: Double) throws -> WeightedAdapter {
    guard let adapter else { throw Failure(.badData, "brings no adapter", client: name, file: bundle.path) }
    return WeightedAdapter(client: name, place: place, adapter: adapter, weight: weight)
  }
}

extension [WeightedAdapter] {
  /// The type that all factors have, or float32 where they differ.
  var commonDType: DType {
    let dtypes = reduce(into: Set<DType>()) { $0.formUnion($1.adapter.dtypes) }
    return dtypes.count == 1 ? dtypes.first! : .f32
  }
}

extension MergeSettings {
  /// Checks that the method takes as many clients as a selection has left; the recipe's own were counted before.
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
      advice: "look at the threshold (`clues select` prints it), or take a method that merges \(weightedAdapters.count)"
    )
  }
}
