import Bundles
import Diagnostics
import Digests
import JSON
import Merging
import PluginHost
import Recipes
import Scoring
import Tensors
import Threads

extension Bench {
  /// The result of scoring and selecting.
  package struct Scored: Sendable {
    package let table: ScoreTable
    package let selection: SampleSelection?
    package let notes: [Note]
  }

  /// Scores the samples of all clients by a recipe, and selects if it says how.
  package func score(_ recipe: Recipe) throws -> Scored {
    let settings = try ScoringSettings(recipe, in: catalog)
    guard !settings.scorers.isEmpty else {
      throw Failure(.badRecipe, "the recipe scores nothing", advice: "give it a 'score' section", file: recipe.file)
    }
    // A client has the pinned scorers, but need not have the operator's merge method.
    for pin in recipe.plugins where settings.pluginIds.contains(pin.identifier) {
      try RunSettings.check(pin, recipe, catalog)
    }
    let clients = try open(recipe, scoring: true)
    let scored = try score(recipe, settings, clients)
    return Scored(table: scored.table, selection: scored.selection, notes: clients.notes + scored.notes)
  }

  package func score(_ recipe: Recipe, _ settings: ScoringSettings, _ clients: [Client]) throws -> Scored {
    observer.begin(.reading, total: clients.count)
    let evidence = try inParallel(clients.count, threads: threads) { index in
      try Interruption.check()
      let evidence = try locating(client: clients[index].name) {
        try ClientEvidence(of: clients[index].name, clients[index].bundle)
      }
      observer.advance(.reading, by: 1)
      return evidence
    }
    observer.end(.reading)
    let agreement =
      try settings.scorers.contains(where: \.plugin.scoresClients)
      ? NameAgreement.notes(of: clients.compactMap { client in client.adapter.map { (client.name, $0) } }) : []
    observer.begin(.scoring, total: evidence.reduce(0) { $0 + $1.samples.count })
    // A sample counts once, however many scorers score it.
    let shares = evidence.map { client in
      StageProgress(of: .scoring, total: client.samples.count, observer)
    }
    let count = Double(settings.scorers.count)
    var mixed: [Note] = []
    let tables = try settings.scorers.enumerated().map { index, scorer in
      let table =
        try scorer.plugin.scoresClients
        ? scoreClients(clients, by: scorer)
        : scoreSamples(evidence, by: scorer, notes: &mixed) { client, fraction in
          shares[client].reach(fraction: (Double(index) + fraction) / count)
        }
      for share in shares { share.reach(fraction: Double(index + 1) / count) }
      return table
    }
    observer.end(.scoring)
    var table = ScoreTable.together(tables, settings.combination)
    table.evidence = try digests(evidence)
    var notes = evidence.flatMap(\.notes) + mixed + agreement
    do {
      table = try table.standardised()
    } catch let failure as Failure where settings.rule == nil {
      // A client with few anchors of its own hands in the single scores; the operator, who has all of them, combines them.
      notes.append(.warning("\(failure.statement); \(ScoreTable.poolingAdvice)"))
    }
    let selection = try settings.rule.map { rule in
      try SampleSelection(
        table, rule: rule.plugin, parameters: rule.parameters, calibratesClients: rule.calibratesClients,
        services: services, bootstrap: recipe.select.map { drawing($0.value.draws.value, seed: recipe.seed.value) })
    }
    if let note = table.domainNote { notes.append(note) }
    return Scored(table: selection?.table ?? table, selection: selection, notes: notes + (selection?.notes ?? []))
  }

  /// Whether the recipe has a scorer that nothing but gradients will do for.
  package func needsGradients(_ recipe: Recipe) throws -> Bool {
    try ScoringSettings(recipe, in: catalog).scorers.contains { scorer in
      guard !scorer.plugin.scoresClients else { return false }
      let ways = try scorer.plugin.makeInstance(scorer.parameters, services: services).needs()
      return ways.allSatisfy { $0.evidence.contains(.gradients) }
    }
  }

  /// How the threshold is resampled.
  private func drawing(_ draws: Int, seed: UInt64) -> ThresholdBootstrap.Settings {
    .init(draws: draws, seed: seed, threads: threads, observer: observer)
  }

  /// Applies a threshold rule to existing scores.
  ///
  /// - parameter draws: How often it is resampled (``ThresholdBootstrap``); nil for a recipe's default.
  package func select(
    _ table: ScoreTable, rule: String, parameters: [String: JSONValue], calibratesClients: Bool, draws: Int? = nil
  ) throws -> SampleSelection {
    let plugin = try catalog.thresholdRule(rule)
    let values = try ParameterValues(parameters, schema: plugin.about.parameters, of: "'\(rule)'")
    return try SampleSelection(
      table.isUncombined ? table.standardised() : table, rule: plugin, parameters: values,
      calibratesClients: calibratesClients, services: services,
      bootstrap: drawing(draws ?? Recipe.Selection.usualDraws, seed: 0))
  }

  /// Selects from existing scores by a recipe.
  ///
  /// - parameter draws: How often the threshold is resampled; nil for the recipe's number.
  package func select(_ table: ScoreTable, by recipe: Recipe, draws: Int? = nil) throws -> SampleSelection {
    guard let select = recipe.select?.value else {
      throw Failure(.badRecipe, "the recipe selects nothing", advice: "give it a 'select' section", file: recipe.file)
    }
    for pin in recipe.plugins where pin.identifier == select.threshold.value {
      try RunSettings.check(pin, recipe, catalog)
    }
    let rule = try ScoringSettings.rule(select, recipe, catalog)
    return try SampleSelection(
      table.isUncombined ? table.standardised() : table, rule: rule.plugin, parameters: rule.parameters,
      calibratesClients: rule.calibratesClients,
      services: services, bootstrap: drawing(draws ?? select.draws.value, seed: recipe.seed.value))
  }

  /// - parameter progress: Receives the index of a client and the fraction of its work that is done.
  private func scoreSamples(
    _ clients: [ClientEvidence], by settings: ScoringSettings.Scorer, notes: inout [Note],
    progress: @Sendable (Int, Double) -> Void
  ) throws -> ScoreTable {
    let scorer = try SampleScorer(
      settings.plugin, settings.parameters, for: clients, catalog: catalog, services: services)
    notes += [scorer.note(clients)].compactMap { $0 }
    let results = try inParallel(clients.count, threads: threads) { index in
      try scorer.score(clients[index], at: index) { progress(index, $0) }
    }
    let rows = zip(clients, results).flatMap { client, result in
      client.samples.enumerated().map { index, sample in
        ScoreTable.Row(
          client: client.client, split: sample.split.name, id: sample.id, domain: sample.domain,
          score: result.scores[index], checkpoints: result.checkpoints.map { ($0.step, $0.scores[index].value) },
          parts: [])
      }
    }
    return try ScoreTable(rows: rows, scorers: [.init(settings)]).checked()
  }

  private func digests(_ evidence: [ClientEvidence]) throws -> JSONObject {
    let files = evidence.flatMap { client in
      (client.bundle.checkpoints.last?.gradients.validation.sorted { $0.key < $1.key } ?? [])
        .map { (client: client.client, domain: $0.key, file: $0.value) }
    }
    let digests = try inParallel(files.count, threads: threads) { index in
      let file = files[index].file
      return sha256(of: try file.isRead ? file.bytes() : Bytes(mapping: file.diskPath ?? file.name))
    }
    let found = Array(zip(files, digests))
    return JSONObject(
      evidence.map { client in
        let anchors = client.samples.filter { $0.split == .anchor }.map { $0.id + "\n" }.joined()
        let validation = found.filter { $0.0.client == client.client }.map { ($0.0.domain, JSONValue.string($0.1)) }
        return (
          client.client,
          [
            "anchor_ids": .string(sha256(of: Bytes(Array(anchors.utf8)))), "domains": JSONValue(client.domains),
            "validation": .object(JSONObject(validation)),
          ]
        )
      })
  }
}
