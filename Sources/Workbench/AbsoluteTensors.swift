import Diagnostics
import Recipes
import Tensors

/// What becomes of tensors that replace the base model's own: they are values, not updates, so no merge method fits them.
func mergeAbsolutes(
  _ contributions: [Contribution], policy: Recipe.Absolute, dtype: DType
) throws -> [(name: String, tensor: Tensor)] {
  let names = Set(contributions.flatMap { $0.adapter.absolutes.keys }).sorted()
  guard let first = names.first, contributions.count > 1 else {
    return names.compactMap { name in contributions[0].adapter.absolutes[name].map { (name, $0) } }
  }
  switch policy {
  case .drop: return []
  case .refuse:
    let owner = contributions.first { $0.adapter.absolutes[first] != nil }
    throw Failure(
      .badData, "replaces a tensor of the base model (modules_to_save, a bias or an embedding), which is no update",
      advice: "say what to do with such tensors: merge.absolute (--absolute) average, drop, or {take: CLIENT}",
      client: owner?.client, tensor: first)
  case .take(let client):
    guard let owner = contributions.first(where: { $0.client == client }) else {
      throw Failure(
        .badRecipe, "there is no client '\(client)' to take tensors from",
        advice: suggestion(for: client, among: contributions.map(\.client)))
    }
    return try names.compactMap { name in
      guard let tensor = owner.adapter.absolutes[name] else { return nil }
      try check(tensor, name, of: client)
      return (name, tensor)
    }
  case .average:
    return try names.map { (name: $0, tensor: try average($0, contributions, dtype)) }
  }
}

/// The weighted mean over the clients that have the tensor.
private func average(_ name: String, _ contributions: [Contribution], _ dtype: DType) throws -> Tensor {
  var sums: [Double] = []
  var total = 0.0
  var model: (client: String, shape: [Int])?
  for contribution in contributions {
    guard let tensor = contribution.adapter.absolutes[name] else { continue }
    if let model, model.shape != tensor.shape {
      throw Failure(
        .badData, "has shape \(tensor.shape), but with client '\(model.client)' it is \(model.shape)",
        advice: "vocabularies that differ cannot be averaged; use {take: CLIENT} or drop",
        client: contribution.client, tensor: name)
    }
    model = model ?? (contribution.client, tensor.shape)
    try check(tensor, name, of: contribution.client)
    let values = try locating(client: contribution.client, tensor: name) { try tensor.floats() }
    if sums.isEmpty { sums = Array(repeating: 0, count: values.count) }
    for place in sums.indices { sums[place] += contribution.weight * Double(values[place]) }
    total += contribution.weight
  }
  guard abs(total) > 1e-8, let model else {
    throw Failure(.badData, "cannot be averaged, because the weights sum to \(total)", tensor: name)
  }
  return Tensor(sums.map { Float($0 / total) }, shape: model.shape, dtype: dtype)
}

private func check(_ tensor: Tensor, _ name: String, of client: String) throws {
  guard tensor.dtype.isAdapterFloat, try !tensor.isFinite() else { return }
  throw Failure(
    .badData, "holds numbers that are NaN or infinite", advice: "leave this client out", client: client, tensor: name)
}
