import Diagnostics
import Recipes
import Tensors

/// Merges tensors that replace the base model's own: they are values, not updates, so no merge method applies.
///
/// - parameter weightedAdapters: Checked by ``checkAbsolutes(_:policy:)``.
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
  // A single adapter keeps its own tensors.
  case .refuse, .average: return weightedAdapters.flatMap { $0.absolutes }
  }
}

/// Refuses tensors that the policy does not cover, or that would be in the result without being finite or having a mean.
/// Must be called before any work is done.
func checkAbsolutes(_ weightedAdapters: [WeightedAdapter], policy: Recipe.Absolute) throws {
  if case .take(let client) = policy { try checkThatThereIsSomething(toTakeFrom: client, weightedAdapters) }
  for weightedAdapter in weightedAdapters where policy.uses(weightedAdapter.client) {
    for (name, tensor) in weightedAdapter.absolutes {
      if policy == .refuse, weightedAdapters.count > 1 {
        throw Failure(
          .badData,
          "replaces a tensor of the base model (modules_to_save, a bias or an embedding), which is not an update",
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
          "replaces a tensor of the base model, which cannot be averaged with the negative weight \(short(weightedAdapter.weight)): "
            + "the result would lie outside the range of the clients' values",
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
      .badData, "cannot be averaged: all clients that have it have weight 0",
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
      ? "no client has any: omit merge.absolute (--absolute)"
      : "take those of \(owners.joined(separator: " or ")), or drop them", client: client)
}

extension Recipe.Absolute {
  /// Whether tensors of this client are part of the result.
  func uses(_ client: String) -> Bool {
    switch self {
    case .drop: false
    case .take(let taken): client == taken
    case .refuse, .average: true
    }
  }

  /// Whether the client has a weight that counts.
  fileprivate var isMean: Bool { self == .average || self == .refuse }
}

extension WeightedAdapter {
  /// The adapter's tensors that replace the base model's, by name.
  fileprivate var absolutes: [(name: String, tensor: Tensor)] {
    adapter.absolutes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

/// The tensor if it holds integers, such as a batch count, and is the same in all clients that have it.
///
/// - returns: Nil for floats, which have a mean.
private func common(_ name: String, _ weightedAdapters: [WeightedAdapter]) throws -> Tensor? {
  let owned = weightedAdapters.compactMap { weightedAdapter in
    weightedAdapter.adapter.absolutes[name].map { (client: weightedAdapter.client, tensor: $0) }
  }
  guard let first = owned.first, let odd = owned.first(where: { !$0.tensor.dtype.isAdapterFloat }) else { return nil }
  guard owned.allSatisfy({ same($0.tensor, first.tensor) }) else {
    throw Failure(
      .badData, "holds \(odd.tensor.dtype.torchName), which cannot be averaged, and differs between clients",
      advice: "drop whole tensors or take those of one client: merge.absolute (--absolute) drop or {take: CLIENT}",
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
        .badData, "has shape \(tensor.shape), but in client '\(model.client)' it has \(model.shape)",
        advice: "different vocabularies cannot be averaged; use {take: CLIENT} or drop",
        client: weightedAdapter.client, tensor: name)
    }
    model = model ?? (weightedAdapter.client, tensor.shape)
    let values = try locating(client: weightedAdapter.client, tensor: name) { try tensor.floats() }
    if sums.isEmpty { sums = Array(repeating: 0, count: values.count) }
    for index in sums.indices { sums[index] += weightedAdapter.weight * Double(values[index]) }
    total += weightedAdapter.weight
  }
  guard total > 0, let model else {
    throw Failure(.badData, "cannot be averaged: the weights sum to \(total)", tensor: name)
  }
  return try locating(tensor: name) {
    try storedFaithfully(narrowed(sums.map { $0 / total }), shape: model.shape, dtype)
  }
}

private func check(_ tensor: Tensor, _ name: String, of client: String) throws {
  guard tensor.dtype.isAdapterFloat, try !tensor.isFinite() else { return }
  throw Failure(
    .badData, "contains NaN or infinite numbers", advice: "leave this client out", client: client, tensor: name)
}
