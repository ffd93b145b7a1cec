import Diagnostics
import Files
import JSON
import Measuring
import Recipes
import Records
import Scoring
import SystemPackage

/// Turns measurements and selections into the tables of an experiment.
struct ExperimentFigures {
  let setup: ExperimentSetup
  let worlds: [World]
  let threads: Int

  private var experiment: Experiment { setup.experiment }
  private var shares: [Double] { experiment.corruption.value.shares.map(\.value).sorted() }
  private var arms: [String] { experiment.arms.map(\.value.name.value) }
  private var merges: [String] { experiment.merges.map(\.value.name.value) }

  /// - parameter labels: Those of the samples of a world.
  func record(
    _ results: ExperimentResults, _ selected: [Selected], labels: (Int) -> String
  ) throws -> ExperimentRecord {
    var record = ExperimentRecord()
    record.base = setup.experiment.base.value
    record.clients = setup.clients.map { client in
      var row = ExperimentRecord.Client()
      row.name = client.name
      (row.train, row.anchor) = (client.counts.train, client.counts.anchor)
      (row.validation, row.test) = (client.counts.validation, client.counts.test)
      row.corruptionFactor = client.corruptionFactor == 1 ? nil : client.corruptionFactor
      return row
    }
    record.seeds = experiment.seeds.map(\.value)
    record.shares = shares
    record.kinds = setup.kinds.map(\.rawValue)
    record.arms = experiment.arms.map { .init($0.value.name.value, meaning(of: $0.value)) }
    record.merges = experiment.merges.map { merge in
      let value = merge.value
      return .init(
        value.name.value,
        ([value.merge.method.value]
          + [value.merge.value.space.map { "in the space \($0.value.rawValue)" }].compactMap { $0 }
          + value.merge.parameters.map { "\($0.name) \($0.value.stringValue ?? $0.value.text())" }
          + ["weights \(value.weights.value.rawValue)"]).joined(separator: ", "))
    }
    let base = try Measured.all(results.base, setup.limits)
    let comparisons = try worlds.indices.map { try comparison(results, base, $0) }
    record.losses = losses(comparisons)
    record.selections = try selections(selected, labels: labels)
    return record
  }

  private func meaning(of arm: Experiment.Arm) -> String {
    if let keep = arm.keep {
      return keep.value == .all ? "keeps everything" : "keeps the good samples, by their labels"
    }
    if let recipe = arm.recipe { return recipe.value }
    let scorers = arm.score.map { scorer in
      ([scorer.value.scorer.value]
        + scorer.value.parameters.map { "\($0.name) \($0.value.stringValue ?? $0.value.text())" })
        .joined(separator: " ")
    }
    let rule = arm.select.map { "; " + $0.value.summary }
    return scorers.joined(separator: " + ") + (rule ?? "")
  }
}

// MARK: Losses

extension ExperimentFigures {
  /// The place of a model in a comparison: the base model, then of each arm the own adapters and every merge.
  private func place(_ arm: Int, _ merge: Int?) -> Int { 1 + arm * (1 + merges.count) + (merge.map { $0 + 1 } ?? 0) }

  /// All models of a world over the samples that all could measure.
  private func comparison(_ results: ExperimentResults, _ base: [Measured], _ world: Int) throws -> LossComparison {
    func losses(_ folders: [String]) throws -> [String: Measured] {
      try folders.reduce(into: [:]) { found, folder in
        for sample in try Measured.all(folder, setup.limits) { found[sample.id] = sample }
      }
    }
    var models = [Dictionary(base.map { ($0.id, $0) }) { $1 }]
    for arm in arms.indices {
      // A client's own adapter answers for the client; where it has none, the base model, of which only its samples count.
      models.append(
        try setup.clients.indices.reduce(into: [:]) { found, client in
          let name = setup.clients[client].name
          let own = try losses([results.own[arm][world][client]]).filter { $0.value.domain == name }
          found.merge(own) { $1 }
        })
      for merge in merges.indices { models.append(try losses([results.merged[arm][world][merge]])) }
    }
    let groups = Dictionary(setup.clients.flatMap { client in client.testGroups.map { ("\(client.name)\n\($0)", $1) } })
    { $1 }
    let samples = base.compactMap { sample -> LossComparison.Sample? in
      let found = models.compactMap { $0[sample.id]?.loss }
      guard found.count == models.count else { return nil }
      return .init(
        domain: sample.domain, group: groups["\(sample.domain)\n\(sample.id)"], tokens: sample.tokens, losses: found)
    }
    guard !samples.isEmpty else { throw Failure(.badData, "no test sample could be measured for all models") }
    return try LossComparison(
      samples, models: models.count, draws: experiment.seeds.count > 1 ? 0 : experiment.measure.value.draws.value,
      seed: UInt64(worlds[world].seed), threads: threads)
  }

  private func losses(_ comparisons: [LossComparison]) -> [ExperimentRecord.Loss] {
    let all = experiment.arms.firstIndex { $0.value.keep?.value == .all }
    let clean = experiment.arms.firstIndex { $0.value.keep?.value == .clean }
    let clients: [String?] = setup.clients.count > 1 ? [nil] + setup.clients.map(\.name) : [nil]
    func figure(_ worlds: [Int], _ client: String?, _ statistic: ([Double]) -> Double) -> ExperimentRecord.Figure {
      let estimates = worlds.map { comparisons[$0].number(of: client, statistic) }
      return .init(estimates.map(\.value), drawn: estimates.first)
    }
    var rows: [ExperimentRecord.Loss] = clients.map { client in
      var row = ExperimentRecord.Loss()
      row.client = client
      // The same model in every world.
      row.loss = figure([0], client) { $0[0] }
      return row
    }
    for share in shares {
      let here = worlds.indices.filter { worlds[$0].share == share }
      for arm in arms.indices {
        for merge in [nil] + merges.indices.map({ Optional($0) }) {
          for client in clients {
            var row = ExperimentRecord.Loss()
            (row.share, row.arm, row.merge, row.client) = (share, arms[arm], merge.map { merges[$0] }, client)
            let own = place(arm, merge)
            row.loss = figure(here, client) { $0[own] }
            if let all, all != arm {
              let raw = place(all, merge)
              row.difference = figure(here, client) { $0[own] - $0[raw] }
              if let clean, client == nil {
                let best = place(clean, merge)
                row.recovered = recovered(here.map { comparisons[$0] }, own: own, all: raw, clean: best)
              }
            }
            rows.append(row)
          }
        }
      }
    }
    return rows
  }
}

extension ExperimentFigures {
  /// What a model wins back of what bad samples cost, by seed and over all.
  private func recovered(
    _ comparisons: [LossComparison], own: Int, all: Int, clean: Int
  ) -> ExperimentRecord.Figure {
    func gain(_ losses: [Double]) -> Double { losses[all] - losses[own] }
    func cost(_ losses: [Double]) -> Double { losses[all] - losses[clean] }
    let gains = comparisons.map { $0.number(gain).value }
    let costs = comparisons.map { $0.number(cost).value }
    let share = comparisons.first?.number { gain($0) / cost($0) }
    return .init(gains: gains, costs: costs, drawn: share)
  }
}

// MARK: Selections

extension ExperimentFigures {
  private func selections(
    _ selected: [Selected], labels: (Int) -> String
  ) throws -> [ExperimentRecord.Selection] {
    let texts = worlds.indices.map(labels)
    let found = try selected.map { try JudgedSelection($0, labels: texts[$0.world], limits: setup.limits) }
    var rows: [ExperimentRecord.Selection] = []
    for share in shares {
      for arm in arms.indices {
        let rules = found.filter { $0.selected.arm == arm }.reduce(into: [String?]()) { rules, judged in
          if !rules.contains(judged.selected.rule) { rules.append(judged.selected.rule) }
        }
        for rule in rules {
          let here = found.filter {
            $0.selected.arm == arm && $0.selected.rule == rule && worlds[$0.selected.world].share == share
          }
          for client in [nil] + setup.clients.map({ Optional($0.name) }) {
            var row = ExperimentRecord.Selection()
            (row.share, row.arm, row.rule, row.client) = (share, arms[arm], rule, client)
            for name in ExperimentRecord.Selection.names {
              row.figures[name] = .init(here.map { $0.figure(name, of: client) })
            }
            if client == nil {
              row.kept = setup.kinds.map { kind in
                (kind.rawValue, .init(here.map { $0.keptShare(of: kind.rawValue) }))
              }.filter { $0.1.value != nil }
            }
            rows.append(row)
          }
        }
      }
    }
    return rows
  }
}

/// A selection beside the labels.
private struct JudgedSelection {
  let selected: Selected
  private let evaluation: Evaluation
  private let threshold: Double
  /// Of each kind of bad sample, how many there are and how many are kept.
  private let kinds: [String: (all: Int, kept: Int)]

  init(_ selected: Selected, labels: String, limits: Limits) throws {
    self.selected = selected
    let path = "\(selected.step.folder)/labels.jsonl"
    try writeWhole(labels, to: path)
    let table = try ScoreTable(path: "\(selected.step.folder)/\(RunFiles.scores)", limits: limits)
    evaluation = try Evaluation(table, labels: path, limits: limits)
    let record = try Measured.lines(path, limits)
    var kindOf: [String: String] = [:]
    for label in record {
      if let client = label["client"]?.stringValue, let id = label["id"]?.stringValue,
        let kind = label["kind"]?.stringValue
      {
        kindOf["\(client)\n\(id)"] = kind
      }
    }
    kinds = table.rows.reduce(into: [:]) { kinds, row in
      guard row.isTrain, let kind = kindOf["\(row.client)\n\(row.id)"] else { return }
      kinds[kind, default: (0, 0)].all += 1
      if row.kept == true { kinds[kind, default: (0, 0)].kept += 1 }
    }
    threshold = try selected.step.outcome(limits)?["threshold"]?.doubleValue ?? .nan
  }

  func figure(_ name: String, of client: String?) -> Double {
    guard
      let figures = client.map({ name in evaluation.clients.first { $0.name == name }?.figures }) ?? evaluation.pooled
    else { return .nan }
    let selection = figures.selection
    switch name {
    case "kept_share": return selection.map { Double($0.kept) / Double(figures.good + figures.bad) } ?? .nan
    case "precision": return selection?.precision ?? .nan
    case "recall": return selection?.recall ?? .nan
    case "f1": return selection?.f1 ?? .nan
    case "accuracy": return selection?.accuracy ?? .nan
    case "auroc": return figures.auroc
    default: return threshold
    }
  }

  func keptShare(of kind: String) -> Double {
    kinds[kind].map { Double($0.kept) / Double($0.all) } ?? .nan
  }
}
