import Diagnostics
import Recipes
import Tensors

extension [Client] {
  /// What each client brings to the merge, in this order.
  func contributions(_ recipe: Recipe) throws -> [Contribution] {
    let weights = try weights(recipe)
    return try zip(self, weights).map { client, weight in
      guard let adapter = client.adapter else {
        throw Failure(.badData, "brings no adapter", client: client.name, file: client.bundle.path)
      }
      return Contribution(client: client.name, place: client.place, adapter: adapter, weight: weight)
    }
  }

  /// The weights as the recipe gives them or says to derive them; derived ones have mean 1.
  ///
  /// TIES divides by the number of clients that agree, so weights of mean 1 keep its scale; an average divides by their
  /// sum anyway.
  private func weights(_ recipe: Recipe) throws -> [Double] {
    if recipe.clients.contains(where: { $0.value.weight != nil }) {
      return map { recipe.clients[$0.place].value.weight?.value ?? 1 }
    }
    guard let weighting = recipe.weights else { return map { _ in 1 } }
    switch weighting.value {
    case .equal: return map { _ in 1 }
    case .samples:
      let counts = try map { client in
        guard let count = client.bundle.trainingSampleCount, count > 0 else {
          throw recipe.failure(
            "weights 'samples' needs the number of training samples, and client '\(client.name)' does not say it",
            at: weighting.origin, advice: "its bundle needs a samples.jsonl or a clues.json; or write the weights out")
        }
        return Double(count)
      }
      let mean = counts.reduce(0, +) / Double(counts.count)
      return counts.map { $0 / mean }
    case .keptSamples, .keptShare, .keptScore:
      throw recipe.failure("weights '\(weighting.value.rawValue)' needs a selection", at: weighting.origin)
    }
  }

  /// What the bundles and adapters had to say.
  var notes: [Note] {
    flatMap { client in
      (client.bundle.notes + (client.adapter?.notes ?? [])).map { .info("\(client.name): \($0)") }
    }
  }
}

extension [Contribution] {
  /// The type that all factors have, or float32 where they differ.
  func commonDType() throws -> DType {
    let dtypes = reduce(into: Set<DType>()) { $0.formUnion($1.adapter.dtypes) }
    return dtypes.count == 1 ? dtypes.first! : .f32
  }
}
