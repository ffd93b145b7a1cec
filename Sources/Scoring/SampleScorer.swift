import CKernels
import Diagnostics
import PluginHost
import Tensors

/// A scorer with its parameters, and how it can score all clients.
package struct SampleScorer: Sendable {
  package let plugin: ScorerPlugin
  package let parameters: ParameterValues
  package let services: HostServices
  /// The scorer's alternative ways to compute its scores.
  private let ways: [ScorerNeeds]
  /// The way used for each client, in the order of the clients.
  private let choices: [Int]

  /// The scores of one client's samples.
  package struct Result: Sendable {
    /// In the order of the samples.
    package let scores: [Score]
    /// The scores at every checkpoint.
    package let checkpoints: [(step: Int, scores: [Score])]
  }

  /// Takes the first way for which every client has the evidence; if all ways lead to the same scores, the first for which
  /// each client has the evidence.
  ///
  /// - throws: ``Failure`` `badData` that says which client lacks what, and which scorers would work.
  package init(
    _ plugin: ScorerPlugin, _ parameters: ParameterValues, for clients: [ClientEvidence], catalog: PluginCatalog,
    services: HostServices
  ) throws {
    self.plugin = plugin
    self.parameters = parameters
    self.services = services
    let ways = try plugin.makeInstance(parameters, services: services).needs()
    self.ways = ways
    if let common = ways.firstIndex(where: { way in clients.allSatisfy { $0.missing(for: way) == nil } }) {
      choices = clients.map { _ in common }
      return
    }
    let own = clients.compactMap { client in ways.firstIndex { client.missing(for: $0) == nil } }
    guard plugin.alternativesAgree, own.count == clients.count else {
      throw Self.refusal(plugin, ways, clients, catalog, services)
    }
    choices = own
  }

  /// The evidence used for each client, if it is not the same for all.
  package func note(_ clients: [ClientEvidence]) -> Note? {
    guard Set(choices).count > 1 else { return nil }
    let kinds = Set(choices).sorted().map { choice in
      let names = zip(clients, choices).filter { $0.1 == choice }.map { "'\($0.0.client)'" }
      return
        "\(names.joined(separator: ", ")) by \(ways[choice].evidence.contains(.gradients) ? "gradients" : "a ledger")"
    }
    return .info("\(plugin.about.id) scores \(kinds.joined(separator: ", and ")), which give the same scores")
  }

  /// Scores all samples of the client at an index.
  ///
  /// - parameter progress: Gets the fraction done, from 0 to 1.
  package func score(_ client: ClientEvidence, at place: Int, progress: (Double) -> Void) throws -> Result {
    let choice = choices[place]
    let needs = ways[choice]
    let instance = try plugin.makeInstance(parameters, services: services)
    let checkpoints = client.checkpoints(for: needs)
    var scored: [(step: Int, scores: [Score])] = []
    for (index, checkpoint) in checkpoints.enumerated() {
      try Interruption.check()
      let scores = try locating(client: client.client) {
        try score(client, checkpoint, choice, index: index, of: checkpoints.count, by: instance) { fraction in
          progress((Double(index) + fraction) / Double(checkpoints.count))
        }
      }
      scored.append((checkpoint.step, scores))
      progress(Double(index + 1) / Double(checkpoints.count))
    }
    // A reason given at one checkpoint overrides scores from the others.
    let combined = try instance.finish(scored.map(\.scores))
    let final = combined.indices.map { sample -> Score in
      let reasons = scored.lazy.map { $0.scores[sample] }.filter { $0.value == nil }
      return reasons.first ?? combined[sample]
    }
    return Result(scores: final, checkpoints: scored)
  }

  private func score(
    _ client: ClientEvidence, _ evidence: CheckpointEvidence, _ alternative: Int, index: Int, of count: Int,
    by instance: ScorerInstance,
    progress: (Double) -> Void
  ) throws -> [Score] {
    let needs = ways[alternative]
    var checkpoint = ScoringCheckpoint(
      alternative: alternative, client: client.client, step: evidence.step, index: index, count: count,
      splits: client.samples.map(\.split), ids: client.samples.map(\.id))
    checkpoint.domains = client.domains
    checkpoint.ownDomain = client.ownDomain
    try evidence.describe(&checkpoint, for: needs)
    guard needs.evidence.contains(.gradients), let gradients = evidence.gradients else {
      try instance.begin(checkpoint)
      let scores = try instance.endCheckpoint()
      return scores.enumerated().map { sample, score in
        evidence.reason(sample: sample, columns: needs).map { .unscored($0) } ?? score
      }
    }
    var showing = try GradientShowing(gradients, evidence, needs, domains: client.domains)
    try showing.describe(&checkpoint)
    try instance.begin(checkpoint)
    try showing.show(to: instance, progress: progress)
    let scores = try instance.endCheckpoint()
    return scores.enumerated().map { sample, score in showing.faults[sample].map { .unscored($0) } ?? score }
  }

  private static func refusal(
    _ plugin: ScorerPlugin, _ ways: [ScorerNeeds], _ clients: [ClientEvidence], _ catalog: PluginCatalog,
    _ services: HostServices
  ) -> Failure {
    func missing(_ way: ScorerNeeds, _ clients: [ClientEvidence]) -> Int {
      clients.reduce(0) { $0 + ($1.missing(for: way)?.items.count ?? 0) }
    }
    // The way with the least missing evidence is the most helpful to report.
    let best = ways.min { missing($0, clients) < missing($1, clients) }
    let lacks = clients.compactMap { client -> String? in
      // If each client may use its own way, one that has a way lacks nothing.
      if plugin.alternativesAgree, ways.contains(where: { client.missing(for: $0) == nil }) { return nil }
      return best.flatMap { client.missing(for: $0) }.map { "client '\(client.client)' lacks \($0.text)" }
    }
    let working = catalog.scorers.filter { other in
      guard !other.scoresClients,
        let parameters = try? ParameterValues(schema: other.about.parameters, of: other.about.id),
        let needs = try? other.makeInstance(parameters, services: services).needs()
      else { return false }
      return needs.contains { way in clients.allSatisfy { $0.missing(for: way) == nil } }
    }
    let names = working.map(\.about.id).sorted().joined(separator: ", ")
    return Failure(
      .badData, "the scorer '\(plugin.about.id)' cannot score these bundles: \(lacks.joined(separator: "; "))",
      advice: names.isEmpty ? "no scorer works with the contents of these bundles" : "scorers that would work: \(names)"
    )
  }
}

extension ClientEvidence {
  /// The checkpoints that a scorer uses.
  package func checkpoints(for needs: ScorerNeeds) -> [CheckpointEvidence] {
    needs.lastCheckpointOnly ? Array(checkpoints.suffix(1)) : checkpoints
  }

  /// What a client lacks for a way of scoring.
  package struct Lack {
    package let items: [String]
    /// The first checkpoint that lacks something.
    package var step: Int?

    package var text: String { items.joined(separator: " and ") + (step.map { " at checkpoint \($0)" } ?? "") }
  }

  /// What is missing for a way of scoring; nil if nothing is.
  package func missing(for needs: ScorerNeeds) -> Lack? {
    if needs.evidence.contains(.adapters) {
      return Lack(items: ["the adapters as evidence, which only scorers of clients get"])
    }
    if samples.isEmpty { return Lack(items: ["samples: it has neither a ledger nor gradients"]) }
    let asked = checkpoints(for: needs)
    if asked.isEmpty { return Lack(items: ["checkpoints"]) }
    for checkpoint in asked {
      let missing = checkpoint.missing(for: needs, domains: domains)
      if !missing.isEmpty { return Lack(items: missing, step: checkpoint.step) }
    }
    return nil
  }
}
