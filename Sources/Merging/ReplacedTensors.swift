import Diagnostics
import JSON
import Recipes

/// What was done with the tensors that replace the base model's own: which are in the result, and which are not.
package struct ReplacedTensors: Sendable, Equatable {
  /// The policy of the recipe.
  package let policy: String
  /// The tensors of the result, by name, with the clients they come from.
  package let kept: [Kept]
  /// The tensors that are not in the result, by client.
  package let leftOut: [LeftOut]
  /// The clients that were merged.
  private let clients: [String]

  /// A tensor of the result.
  package struct Kept: Sendable, Equatable {
    package let name: String
    package let clients: [String]

    package init(name: String, clients: [String]) {
      self.name = name
      self.clients = clients
    }
  }

  /// The tensors of a client that are not in the result.
  package struct LeftOut: Sendable, Equatable {
    package let client: String
    package let names: [String]

    package init(client: String, names: [String]) {
      self.client = client
      self.names = names
    }
  }

  /// Nil if no client has such tensors.
  package init?(_ weightedAdapters: [WeightedAdapter], policy: Recipe.Absolute) {
    guard weightedAdapters.contains(where: { !$0.adapter.absolutes.isEmpty }) else { return nil }
    let owners: [WeightedAdapter]
    switch policy {
    case .drop: (self.policy, owners) = ("drop", [])
    case .take(let client): (self.policy, owners) = ("take", weightedAdapters.filter { $0.client == client })
    case .average: (self.policy, owners) = ("average", weightedAdapters)
    case .refuse: (self.policy, owners) = ("refuse", weightedAdapters)
    }
    clients = weightedAdapters.map(\.client)
    let names = Set(owners.flatMap { $0.adapter.absolutes.keys }).sorted()
    kept = names.map { name in
      Kept(name: name, clients: owners.filter { $0.adapter.absolutes[name] != nil }.map(\.client))
    }
    leftOut = weightedAdapters.compactMap { weightedAdapter in
      guard !owners.contains(where: { $0.client == weightedAdapter.client }), !weightedAdapter.adapter.absolutes.isEmpty
      else { return nil }
      return LeftOut(client: weightedAdapter.client, names: weightedAdapter.adapter.absolutes.keys.sorted())
    }
  }

  /// Notes on them.
  package var notes: [Note] {
    var notes = leftOut.map { client in
      Note.info(
        "\(client.client): dropped from the result (merge.absolute: \(policy)), though they replace tensors of the base "
          + "model: \(some(client.names))")
    }
    if policy == "take" {
      notes.append(
        .info(
          "\(kept.first?.clients.first ?? ""): provides the tensors that replace the base model's: \(some(kept.map(\.name)))"
        ))
    }
    guard policy == "average" else { return notes }
    // Tensors with the same owners share a note.
    var told: [[String]] = []
    for tensor in kept where tensor.clients.count < clients.count && !told.contains(tensor.clients) {
      told.append(tensor.clients)
      let names = some(kept.filter { $0.clients == tensor.clients }.map(\.name))
      let others = some(clients.filter { !tensor.clients.contains($0) })
      let source =
        tensor.clients.count == 1
        ? "come only from \(tensor.clients[0])" : "are the mean of \(some(tensor.clients))"
      notes.append(
        .warning("replaced tensors \(source), while \(others) trained with the base model's own: \(names)"))
    }
    return notes
  }

  /// The first names; the record has all of them.
  private func some(_ names: [String]) -> String {
    let shown = names.prefix(8).joined(separator: ", ")
    return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
  }
}
