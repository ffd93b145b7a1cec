import Diagnostics
import Recipes
import Tensors

/// What becomes of tensors that replace the base model's own: they are values, not updates, so no merge method fits them.
///
/// - parameter weightedAdapters: Such as ``checkAbsolutes(_:policy:)`` let through.
package func mergeAbsolutes(
  _ weightedAdapters: [WeightedAdapter], policy: Recipe.Absolute, dtype: DType
) throws -> [(name: String, tensor: Tensor)] {
  let names = Set(weightedAdapters.flatMap { $0.adapter.absolutes.keys }).sorted()
  switch policy {
  case .drop: return []
  case .average where weightedAdapters.count > 1:
    return try names.map { (name: $0, tensor: try average($0, weightedAdapters, dtype)) }
  case .take(let client):
    return weightedAdapters.filter { $0.client == client }.flatMap { $0.absolutes }
  // One adapter keeps what is its own.
  case .refuse, .average: return weightedAdapters.flatMap { $0.absolutes }
  }
}

/// Refuses tensors that the policy does not cover, and such as would get into the result and are no numbers or no mean; due
/// before any work is done.
func checkAbsolutes(_ weightedAdapters: [WeightedAdapter], policy: Recipe.Absolute) throws {
  if case .take(let client) = policy { try checkThatThereIsSomething(toTakeFrom: client, weightedAdapters) }
  for weightedAdapter in weightedAdapters where policy.uses(weightedAdapter.client) {
    for (name, tensor) in weightedAdapter.absolutes {
      if policy == .refuse, weightedAdapters.count > 1 {
        throw Failure(
          .badData, "replaces a tensor of the base model (modules_to_save, a bias or an embedding), which is no update",
          advice: "say what to do with such tensors: merge.absolute (--absolute) average, drop, or {take: CLIENT}",
          client: weightedAdapter.client, tensor: name)
      }
      try check(tensor, name, of: weightedAdapter.client)
      if policy == .average, weightedAdapters.count > 1 {
        try checkNarrowing(of: tensor, name, client: weightedAdapter.client)
      }
      if policy.isMean, weightedAdapter.weight < 0 {
        throw Failure(
          .badData,
          "replaces a tensor of the base model, and cannot be averaged under the negative weight \(short(weightedAdapter.weight)): "
            + "the result would lie beyond the values of all clients",
          advice: "such tensors are values, not updates: drop them, or take those of one client "
            + "(merge.absolute, --absolute '{take: CLIENT}')", client: weightedAdapter.client, tensor: name)
      }
    }
  }
  guard policy.isMean, weightedAdapters.count > 1 else { return }
  for name in Set(weightedAdapters.flatMap { $0.adapter.absolutes.keys }).sorted() {
    let owners = weightedAdapters.filter { $0.adapter.absolutes[name] != nil }
    guard owners.allSatisfy({ $0.weight == 0 }), let first = owners.first else { continue }
    throw Failure(
      .badData, "cannot be averaged, because all clients that have it have the weight 0",
      advice: "drop such tensors, or take those of one client (merge.absolute, --absolute '{take: CLIENT}')",
      client: first.client, tensor: name)
  }
}

private func checkThatThereIsSomething(toTakeFrom client: String, _ weightedAdapters: [WeightedAdapter]) throws {
  guard let taken = weightedAdapters.first(where: { $0.client == client }) else {
    throw Failure(
      .badRecipe, "there is no client '\(client)' to take tensors from",
      advice: suggestion(for: client, among: weightedAdapters.map(\.client)))
  }
  guard taken.adapter.absolutes.isEmpty else { return }
  let owners = weightedAdapters.filter { !$0.adapter.absolutes.isEmpty }.map { "'\($0.client)'" }
  throw Failure(
    .badData, "has no tensors that replace the base model's, so there is nothing to take",
    advice: owners.isEmpty
      ? "no client has any: leave out merge.absolute (--absolute)"
      : "take those of \(owners.joined(separator: " or ")), or drop them", client: client)
}

extension Recipe.Absolute {
  /// Whether tensors of this client have a part in the result.
  func uses(_ client: String) -> Bool {
    switch self {
    case .drop: false
    case .take(let taken): client == taken
    case .refuse, .average: true
    }
  }

  /// Whether weights say how much each client counts; of one client alone, that it does.
  fileprivate var isMean: Bool { self == .average || self == .refuse }
}

extension WeightedAdapter {
  /// The adapter's tensors that replace the base model's, by name.
  fileprivate var absolutes: [(name: String, tensor: Tensor)] {
    adapter.absolutes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

/// The tensor if it is one of whole numbers, such as a count of batches, and the same with all clients that have it.
///
/// - returns: Nil for floats, which have a mean.
private func common(_ name: String, _ weightedAdapters: [WeightedAdapter]) throws -> Tensor? {
  let owned = weightedAdapters.compactMap { weightedAdapter in
    weightedAdapter.adapter.absolutes[name].map { (client: weightedAdapter.client, tensor: $0) }
  }
  guard let first = owned.first, let odd = owned.first(where: { !$0.tensor.dtype.isAdapterFloat }) else { return nil }
  guard owned.allSatisfy({ same($0.tensor, first.tensor) }) else {
    throw Failure(
      .badData, "holds \(odd.tensor.dtype.torchName), of which there is no mean, and is not the same with all clients",
      advice: "leave out whole tensors or take those of one client: merge.absolute (--absolute) drop or {take: CLIENT}",
      client: odd.client, tensor: name)
  }
  return first.tensor
}

/// The weighted mean over the clients that have the tensor.
private func average(_ name: String, _ weightedAdapters: [WeightedAdapter], _ dtype: DType) throws -> Tensor {
  if let common = try common(name, weightedAdapters) { return common }
  var sums: [Double] = []
  var total = 0.0
  var model: (client: String, shape: [Int])?
  for weightedAdapter in weightedAdapters {
    guard let tensor = weightedAdapter.adapter.absolutes[name] else { continue }
    if let model, model.shape != tensor.shape {
      throw Failure(
        .badData, "has shape \(tensor.shape), but with client '\(model.client)' it is \(model.shape)",
        advice: "vocabularies that differ cannot be averaged; use {take: CLIENT} or drop",
        client: weightedAdapter.client, tensor: name)
    }
    model = model ?? (weightedAdapter.client, tensor.shape)
    let values = try locating(client: weightedAdapter.client, tensor: name) { try tensor.floats() }
    if sums.isEmpty { sums = Array(repeating: 0, count: values.count) }
    for index in sums.indices { sums[index] += weightedAdapter.weight * Double(values[index]) }
    total += weightedAdapter.weight
  }
  guard total > 0, let model else {
    throw Failure(.badData, "cannot be averaged, because the weights sum to \(total)", tensor: name)
  }
  return try locating(tensor: name) { try storedFaithfully(sums.map { Float($0 / total) }, shape: model.shape, dtype) }
}

private func check(_ tensor: Tensor, _ name: String, of client: String) throws {
  guard tensor.dtype.isAdapterFloat, try !tensor.isFinite() else { return }
  throw Failure(
    .badData, "holds numbers that are NaN or infinite", advice: "leave this client out", client: client, tensor: name)
}
