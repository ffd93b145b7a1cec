import Adapters
import Bundles
import Diagnostics
import LowRank
import Merging
import PluginHost
import Recipes
import Scoring
import Threads

extension Bench {
  /// Ranks the clients of a recipe by how suspicious their adapters are; its scores, selection and merge play no part.
  ///
  /// It only needs the factors: all inner products come from A·Aᵀ and Bᵀ·B, a module at a time in each thread.
  ///
  /// - parameter readsCheckpoints: Whether to read the checkpoints' adapters as well, for the score by `trajectory`.
  /// - throws: ``Failure`` `usage` for fewer than two clients, `badData` for adapters that cannot be compared.
  package func vet(_ recipe: Recipe, readsCheckpoints: Bool) throws -> Vetting {
    let parts: Set<Part> = readsCheckpoints ? [.adapter, .adapters, .samples] : [.adapter, .samples]
    let clients = try open(recipe, scoring: false, wanting: parts, digesting: false)
    let ranked = try clients.filter { !$0.isAnchor }.map { try $0.weightedAdapter(weight: 1) }
    guard ranked.count > 1 else {
      throw Failure(
        .usage, "there \(ranked.isEmpty ? "is no client" : "is one client"), but clients are compared with each other",
        advice: "give the bundles of all clients; a run folder or a recipe counts as its clients")
    }
    try ranked.checkThatTheyFit(mixesBases: recipe.merge?.value.baseModel != nil)
    try ranked.checkThatFloat32Holds()
    let agreement = try NameAgreement.notes(of: ranked.map { ($0.client, $0.adapter) })
    let modules = try compare(ranked)
    let trajectories = readsCheckpoints ? try trajectories(of: ranked.map(\.client), among: clients) : nil
    let unscored = zip(ranked, trajectories ?? []).compactMap { client, score -> Note? in
      guard case .unscored(let reason) = score else { return nil }
      return .info("the steps of client '\(client.client)' are not compared: \(reason)")
    }
    return Vetting(
      modules, of: ranked.map(\.client), trajectories: trajectories,
      anchors: trajectories == nil ? [] : clients.filter(\.isAnchor).map(\.name),
      notes: clients.notes + agreement + unscored)
  }

  private func compare(_ clients: [WeightedAdapter]) throws -> [ComparedModule] {
    let names = Set(clients.flatMap { $0.adapter.modules.keys }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    observer.begin(.comparing, total: names.count)
    let modules = try inParallel(names.count, threads: threads) { index in
      try Interruption.check()
      let owners = clients.filter { $0.adapter.modules[names[index]] != nil }
      let products = try locating(tensor: names[index]) {
        try roughGram(owners.count, blocks: Self.comparedBlock) { owner in
          try locating(client: owners[owner].client) { try owners[owner].adapter.modules[names[index]]!.term }
        }.elements
      }
      observer.advance(.comparing, by: 1)
      return ComparedModule(
        names[index], clients: owners.map(\.client), innerProducts: products, averagedOver: clients.count)
    }
    observer.end(.comparing)
    return modules
  }

  /// The number of clients whose factors of a module are in memory at once in each thread.
  private static let comparedBlock = 16

  /// The clients' scores by `trajectory`; nil if fewer than two clients have checkpoints.
  private func trajectories(of ranked: [String], among clients: [Client]) throws -> [Score]? {
    guard clients.count(where: { !$0.bundle.checkpoints.isEmpty }) > 1 else { return nil }
    let plugin = try catalog.scorer("trajectory")
    let parameters = try ParameterValues([:], schema: plugin.about.parameters, of: "'trajectory'")
    observer.begin(.scoring, total: nil)
    let scorer = ScoringSettings.Scorer(
      plugin: plugin, parameters: parameters, name: plugin.about.id, weight: 1, side: nil)
    let rows = try scoreClients(clients, by: scorer).rows
    observer.end(.scoring)
    let scores = Dictionary(uniqueKeysWithValues: rows.map { ($0.client, $0.score) })
    return ranked.map { scores[$0] ?? .unscored("it has no score") }
  }
}
