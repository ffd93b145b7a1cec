import Adapters
import Bundles
import Diagnostics
import JSON
import LowRank
import Merging
import PluginHost
import Records
import Scoring

/// The outcome of a run; its ``record`` says how it was made.
package struct RunOutcome: Sendable {
  /// The recipe as it was executed: resolved, and with absolute paths.
  package var recipe: JSONValue
  /// The same with paths as the user wrote them, for passing on.
  let recipeAsWritten: JSONValue
  package var notes: [Note]
  package var plugins: [RunRecord.Plugin] = []
  /// The result of scoring and selecting; nil in a run that only merges.
  package var scored: Bench.Scored?
  /// The inputs, whether they contributed to the result or not.
  package var bundles: [RunRecord.Input] = []
  /// The clients whose adapters were merged.
  package var clients: [RunRecord.Client] = []
  /// The merge; nil in a run that only scores.
  package var merge: MergeFigures?
  var timings: [(stage: RunStage, seconds: Double)] = []

  package init(recipe: JSONValue, recipeAsWritten: JSONValue, notes: [Note]) {
    self.recipe = recipe
    self.recipeAsWritten = recipeAsWritten
    self.notes = notes
  }

  /// The content of `clues/run.json` and of the report.
  package var record: RunRecord {
    var record = RunRecord()
    record.version = cluesVersion
    record.openBLAS = RunRecord.LinearAlgebra(.current)
    (record.recipe, record.bundles, record.plugins) = (recipe, bundles, plugins)
    record.clients = clients.map { client in
      var client = client
      client.update = merge.flatMap { RunRecord.Update($0, of: client.name) }
      return client
    }
    record.scorers = scored?.table.scorers.map { ScorerRecord($0) } ?? []
    record.combination = scored?.table.combination?.rawValue
    record.selection = scored?.selection.map { SelectionRecord($0) }
    record.merge = merge.map { RunRecord.Merge($0) }
    record.notes = notes.map { NoteRecord($0) }
    record.seconds = timings.map { (key: $0.stage.rawValue, value: $0.seconds) }
    return record
  }

  package var json: JSONValue { record.json }

  /// The rows of `clues/scores.jsonl`.
  var scores: [ScoreRecord] { scored?.table.rows.map { ScoreRecord($0) } ?? [] }
}

extension RunRecord.LinearAlgebra {
  fileprivate init(_ library: OpenBLAS) {
    self.init()
    (version, core, found) = (library.version, library.core, library.found)
    chooser = library.chooser == .user ? "OPENBLAS_CORETYPE" : library.chooser.rawValue
  }
}

extension RunRecord.Merge {
  fileprivate init(_ merge: MergeFigures) {
    self.init()
    (method, space, dtype, parameters) = (merge.method, merge.space, merge.dtype, merge.parameters)
    replaced = merge.replaced.map { RunRecord.Replaced($0) }
    (discardedShare, signConflict) = (merge.discardedShare, merge.signConflict)
    (sharedModules, comparedModules) = (merge.sharedModules, merge.comparedModules)
    cosines = rows(of: merge.cosines, count: merge.clients.count)
    rankLayout = merge.ranks.map { RunRecord.Ranks($0) }
    modules = merge.modules.map { RunRecord.Module($0) }
  }
}

extension RunRecord.Replaced {
  fileprivate init(_ replaced: ReplacedTensors) {
    self.init()
    policy = replaced.policy
    tensors = replaced.kept.map { kept in
      var record = Kept()
      (record.tensor, record.clients) = (kept.name, kept.clients)
      return record
    }
    leftOut = replaced.leftOut.map { omitted in
      var record = LeftOut()
      (record.client, record.tensors) = (omitted.client, omitted.names)
      return record
    }
  }
}

extension RunRecord.Ranks {
  fileprivate init(_ ranks: RankLayout) {
    self.init()
    (style, rank, costOfUniform) = (ranks.style.rawValue, ranks.rank, ranks.uniformCost)
    (smallest, largest) = (ranks.extremes.lowerBound, ranks.extremes.upperBound)
  }
}

extension RunRecord.Module {
  fileprivate init(_ module: ModuleFigures) {
    self.init()
    (name, clients, inputRanks) = (module.module, module.clients, module.inputRanks)
    (coverage, inputNorms, signConflict) = (module.coverage, module.inputNorms, module.signConflict)
    cosines = module.cosines.map { rows(of: $0, count: module.clients.count) }
    coefficients = module.coefficients
    (rank, norm, energy) = (module.rank, module.energy.squareRoot(), module.energy)
    discardedEnergy = module.discardedEnergy
  }
}

extension RunRecord.Update {
  /// The figures of one client's update; nil if it was not merged.
  fileprivate init?(_ merge: MergeFigures, of client: String) {
    guard let index = merge.clients.firstIndex(of: client) else { return nil }
    let (figures, suspicion) = (merge.figures[index], merge.suspicions[index])
    self.init()
    norm = figures.norm
    (cosineWithResult, cosineWithOthers) = (figures.cosineWithResult, figures.cosineWithOthers)
    coefficients = figures.coefficients
    standsOut = suspicion.reasons.map(\.peculiarity.rawValue)
    self.suspicion = SuspicionRecord(suspicion, figures)
  }
}

extension RunRecord.Plugin {
  init(_ identity: PluginIdentity) throws {
    self.init()
    (library, version, sha256) = (identity.library, identity.version, try identity.digested())
  }
}

extension RunRecord.Input {
  init(_ client: Client) {
    self.init()
    (name, path, sha256) = (client.name, client.bundle.path, client.sha256)
  }
}

extension RunRecord.Client {
  init(_ client: Client, _ weightedAdapter: WeightedAdapter) {
    let ranks = weightedAdapter.adapter.modules.values.map(\.rank)
    self.init()
    (name, path, sha256) = (client.name, client.bundle.path, client.sha256)
    (weight, step) = (weightedAdapter.weight, client.bundle.adapterStep)
    rank = (ranks.min() ?? 0)...(ranks.max() ?? 0)
    moduleCount = weightedAdapter.adapter.modules.count
  }
}
