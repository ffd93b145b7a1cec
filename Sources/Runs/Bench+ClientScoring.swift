import Adapters
import Diagnostics
import LowRank
import Merging
import PluginHost
import Scoring
import Threads

extension Bench {
  /// Scores whole clients by their adapters alone: each client is one sample, and clients trained on anchor data are anchors.
  func scoreClients(_ clients: [Client], by scorer: ScoringSettings.Scorer) throws -> ScoreTable {
    let adapters = try clients.map { client in
      try locating(client: client.name) { try client.trajectory() }
    }
    let flat = adapters.enumerated().flatMap { owner, trajectory in trajectory.map { (owner: owner, $0) } }
    let products = try innerProducts(flat.map(\.1.adapter))
    if let odd = flat.indices.first(where: { !products[$0 * flat.count + $0].isFinite }) {
      throw Failure(
        .badData, "its adapter of step \(flat[odd].1.step) has a norm that is not a number",
        advice: "ask for the adapter again", client: clients[flat[odd].owner].name)
    }
    let collection = ScoringCollection(
      clients: clients.map(\.name), anchors: clients.map(\.isAnchor), owners: flat.map(\.owner),
      steps: flat.map(\.1.step), innerProducts: products)
    let scores = try scorer.plugin.makeInstance(scorer.parameters, services: services).score(collection)
    let rows = zip(clients, scores).map { client, score in
      ScoreTable.Row(
        client: client.name, split: client.isAnchor ? PluginHost.Split.anchor.name : PluginHost.Split.train.name,
        id: client.name, domain: client.bundle.domain, score: score, checkpoints: [], parts: [])
    }
    return try ScoreTable(rows: rows, scorers: [.init(scorer)]).checked()
  }

  /// ⟨ΔWᵢ, ΔWⱼ⟩ of all adapters, summed over modules; a module that an adapter lacks is zero.
  private func innerProducts(_ adapters: [Adapter]) throws -> [Double] {
    let modules = Set(adapters.flatMap { $0.modules.keys }).sorted()
    let grams = try inParallel(modules.count, threads: threads) { index in
      try Interruption.check()
      let owners = adapters.indices.filter { adapters[$0].modules[modules[index]] != nil }
      let terms = try owners.map { owner -> Term in
        let module = adapters[owner].modules[modules[index]]!
        return try locating(tensor: module.name) { try module.term }
      }
      return (places: owners, products: try gram(terms).elements)
    }
    return summed(grams, count: adapters.count)
  }
}

extension Client {
  /// The adapters of all checkpoints in step order, or only the final one.
  fileprivate func trajectory() throws -> [(step: Int, adapter: Adapter)] {
    let checkpoints = try bundle.checkpoints.map { ($0.step, try $0.adapter.adapter()) }
    if !checkpoints.isEmpty { return checkpoints }
    guard let adapter else { throw Failure(.badData, "has no adapter", file: bundle.path) }
    return [(0, adapter)]
  }
}
