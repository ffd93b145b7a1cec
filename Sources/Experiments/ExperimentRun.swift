import Capture
import Diagnostics
import Digests
import Files
import Glibc
import JSON
import Measuring
import PluginHost
import Recipes
import Records
import Reports
import Runs
import Scoring
import SystemPackage
import Training

/// Carries out an experiment: corrupt, train, capture, select, train again, merge, measure; what is behind `clues experiment`.
package struct ExperimentRun {
  private let setup: ExperimentSetup
  private let output: String
  private let catalog: PluginCatalog
  private let observer: any Observer
  private let threads, jobs: Int

  /// - parameters:
  ///   - output: The folder for steps and results.
  ///   - jobs: How many steps are done at once at the most.
  /// - throws: ``Failure``: everything that can be known before there is any work in it.
  package init(
    _ experiment: Experiment, output: String, catalog: PluginCatalog, observer: any Observer, threads: Int, jobs: Int,
    limits: Limits = Limits()
  ) throws {
    setup = try ExperimentSetup(experiment, catalog: catalog, limits: limits)
    (self.output, self.catalog, self.observer) = (FilePath(output).absolute.string, catalog, observer)
    (self.threads, self.jobs) = (threads, jobs)
  }

  private var experiment: Experiment { setup.experiment }
  private var clients: [ExperimentClient] { setup.clients }

  /// One seed and one share of bad samples.
  private var worlds: [World] {
    experiment.corruption.value.shares.map(\.value).sorted().flatMap { share in
      experiment.seeds.map { World(share: share, seed: $0.value) }
    }
  }

  /// How many steps there are at the most, by kind.
  package var plan: [(kind: String, count: Int)] {
    planned.map { ($0.kind.rawValue, $0.tasks) }
  }

  private var planned: [(kind: StepKind, tasks: Int, cost: Int)] {
    let scoring = experiment.arms.count { $0.value.keep == nil }
    let retrained = experiment.arms.count { $0.value.keep?.value != .all }
    func each(_ kind: StepKind, _ times: Int) -> (StepKind, Int, Int) {
      (
        kind, worlds.count * times * clients.count,
        worlds.count * times * clients.reduce(0) { $0 + setup.cost(kind, $1) }
      )
    }
    func once(_ kind: StepKind, _ count: Int) -> (StepKind, Int, Int) { (kind, count, count * setup.cost(kind)) }
    let merged = worlds.count * experiment.arms.count * experiment.merges.count
    return [
      each(.corrupt, 1), each(.train, 1 + retrained), each(.capture, scoring > 0 ? 1 : 0),
      once(.select, worlds.count * scoring * (1 + experiment.thresholds.count)), once(.merge, merged),
      (
        .measure, 1 + merged + worlds.count * experiment.arms.count * clients.count,
        (1 + merged) * setup.cost(.measure) + each(.measure, experiment.arms.count).2
      ), once(.answer, experiment.measure.value.examples.value > 0 ? 1 : 0),
    ]
  }

  /// Does what is not done yet, and writes `experiment.json`, `experiment.csv` and `experiment.html`.
  ///
  /// - throws: ``Failure``; the steps that are done stand, and the next run of the same experiment goes on from there.
  package func run() throws -> ExperimentRecord {
    let store = try StepStore(output)
    let runner = StepRunner(
      observer, threads: threads, jobs: jobs, most: planned.reduce(0) { $0 + $1.tasks },
      total: planned.reduce(0) { $0 + $1.cost }, limits: setup.limits)
    let steps = ExperimentSteps(setup: setup, store: store, catalog: catalog)
    let worlds = worlds
    let corrupted = try runner.outcomes(
      of: worlds.flatMap { world in clients.indices.map { steps.corrupt($0, world) } })
    let data = try worlds.enumerated().map { place, world in
      try clients.indices.map { client in
        try steps.data(client, world, corrupted[place * clients.count + client])
      }
    }
    let raw = try everyClient { try steps.train($1, worlds[$0], data[$0][$1], keep: nil) }
    _ = try runner.outcomes(of: raw)
    let (kept, excess, selected) = try kept(runner, steps, data, trained: raw.map(\.step))
    let trainings = try kept.map { byWorld in
      try everyClient { world, client in
        try steps.train(client, worlds[world], data[world][client], keep: byWorld[world][client])
      }
    }
    func adapter(_ arm: Int, _ world: Int, _ client: Int) -> Step? {
      kept[arm][world][client].map(lineCount) == 0 ? nil : trainings[arm][world * clients.count + client].step
    }
    _ = try runner.outcomes(
      of: trainings.indices.flatMap { arm in
        trainings[arm].indices.filter { place in
          // Where nothing is kept there is no training, and that on everything is done.
          kept[arm][place / clients.count][place % clients.count].map { lineCount($0) > 0 } ?? false
        }.map { trainings[arm][$0] }
      })

    let results = try measured(
      runner, steps, worlds,
      member: { arm, world, client in
        adapter(arm, world, client).map { training in
          let all = clients[client].rows.count
          return .init(
            name: clients[client].name, training: training, kept: kept[arm][world][client].map(lineCount) ?? all,
            all: all, excess: excess[arm][world][client])
        }
      })
    runner.finish()
    var record = try ExperimentFigures(setup: setup, worlds: worlds, threads: threads).record(results, selected) {
      world in data[world].map(\.labels).joined()
    }
    record.examples = results.examples
    record.notes += runner.warnings
    try write(record, labels: worlds.indices.map { (worlds[$0], data[$0].map(\.labels).joined()) })
    return record
  }

  private func everyClient(_ task: (_ world: Int, _ client: Int) throws -> StepTask) rethrows -> [StepTask] {
    try worlds.indices.flatMap { world in try clients.indices.map { try task(world, $0) } }
  }

  /// What each arm keeps, by arm, world and client, as ids, one a line, or nil for everything; by how much their scores exceed
  /// the threshold; and the selections that say so.
  ///
  /// - parameter trained: The trainings on everything, by world and client.
  private func kept(
    _ runner: StepRunner, _ steps: ExperimentSteps, _ data: [[ExperimentSteps.Data]], trained: [Step]
  ) throws -> (kept: [[[String?]]], excess: [[[Double?]]], selected: [Selected]) {
    let worlds = worlds
    var kept: [[[String?]]] = experiment.arms.map { arm in
      worlds.indices.map { world in
        clients.indices.map { arm.value.keep?.value == .clean ? data[world][$0].clean : nil }
      }
    }
    var excess: [[[Double?]]] = kept.map { $0.map { $0.map { _ in nil } } }
    var selected: [Selected] = []
    let scoring = experiment.arms.indices.filter { experiment.arms[$0].value.keep == nil }
    let all = scoring.isEmpty ? [] : Array(worlds.indices)
    // Gradients take much room: those of one seed and share at a time.
    for some in setup.armsByGradients.isEmpty ? [all] : all.map({ [$0] }) {
      let own = try scored(runner, steps, data, trained: trained, arms: scoring, in: some)
      for choice in own {
        let folder = choice.step.folder
        selected.append(Selected(arm: choice.arm, rule: nil, world: choice.world, step: choice.step))
        for client in clients.indices {
          let name = clients[client].name
          let path = "\(folder)/\(RunFiles.selected(of: name))"
          kept[choice.arm][choice.world][client] = try String(decoding: StreamReader(path).bytes(), as: UTF8.self)
          excess[choice.arm][choice.world][client] = choice.outcome["excess"]?.objectValue?[name]?.doubleValue
        }
      }
      let others = try own.flatMap { choice in
        try experiment.thresholds.map(\.value).map { rule in
          let task = try steps.select(experiment.arms[choice.arm], by: rule, worlds[choice.world], scored: choice.step)
          selected.append(
            Selected(arm: choice.arm, rule: rule.summary, world: choice.world, step: task.step))
          return task
        }
      }
      _ = try runner.outcomes(of: others)
    }
    // Who keeps everything was trained already.
    for arm in kept.indices {
      for world in worlds.indices {
        for client in clients.indices where kept[arm][world][client].map(lineCount) == clients[client].rows.count {
          kept[arm][world][client] = nil
        }
      }
    }
    return (kept, excess, selected)
  }

  /// Captures the trainings in some worlds, and scores and selects in these arms.
  private func scored(
    _ runner: StepRunner, _ steps: ExperimentSteps, _ data: [[ExperimentSteps.Data]], trained: [Step], arms: [Int],
    in some: [Int]
  ) throws -> [(arm: Int, world: Int, step: Step, outcome: JSONObject)] {
    let worlds = worlds
    func captures(_ world: Int, gradients: Bool) -> [StepTask] {
      clients.indices.map { client in
        steps.capture(
          client, worlds[world], data[world][client], trained[world * clients.count + client], gradients: gradients)
      }
    }
    let own = try arms.flatMap { arm in
      try some.map { world in
        let captured = captures(world, gradients: false).map(\.step)
        return (arm: arm, world: world, task: try steps.select(experiment.arms[arm], worlds[world], captured))
      }
    }
    let lacksScores = try own.contains {
      try setup.armsByGradients.contains($0.arm) && $0.task.step.outcome(setup.limits) == nil
    }
    let captured = some.map { captures($0, gradients: lacksScores) }
    _ = try runner.outcomes(of: captured.flatMap { $0 })
    let outcomes = try runner.outcomes(of: own.map(\.task))
    for captured in captured {
      for client in clients.indices { steps.removeGradients(of: captured[client].step, client) }
    }
    return zip(own, outcomes).map { ($0.arm, $0.world, $0.task.step, $1) }
  }

  /// Merges and measures.
  private func measured(
    _ runner: StepRunner, _ steps: ExperimentSteps, _ worlds: [World],
    member: (_ arm: Int, _ world: Int, _ client: Int) -> ExperimentSteps.Member?
  ) throws -> ExperimentResults {
    // By arm, world and merge: the merged adapter, or the only one that there is; nil where there is none.
    var merged: [[[String?]]] = []
    var tasks: [StepTask] = []
    for arm in experiment.arms.indices {
      merged.append(
        try worlds.indices.map { world in
          try experiment.merges.map { merge in
            let members = clients.indices.compactMap { member(arm, world, $0) }
            guard members.count > 1 else { return members.first.map { "\($0.training.folder)/\($0.name)" } }
            let task = try steps.merge(merge, worlds[world], experiment.arms[arm].value.name.value, members)
            tasks.append(task)
            return "\(task.step.folder)/merged"
          }
        })
    }
    _ = try runner.outcomes(of: tasks)

    // By arm and world, the clients' own adapters and the merged ones.
    let base = steps.measureBase()
    var measuring = [base]
    func measure(_ path: String?, _ title: String, _ client: Int?) -> String {
      guard let path else { return base.step.folder }
      let task = steps.measure(path, title, client)
      measuring.append(task)
      return task.step.folder
    }
    var results = ExperimentResults(base: base.step.folder)
    for arm in experiment.arms.indices {
      let name = experiment.arms[arm].value.name.value
      results.own.append(
        worlds.indices.map { world in
          clients.indices.map { client in
            measure(
              member(arm, world, client).map { "\($0.training.folder)/\($0.name)" },
              "\(name), \(clients[client].name), \(worlds[world].text)", client)
          }
        })
      results.merged.append(
        worlds.indices.map { world in
          experiment.merges.indices.map { merge in
            measure(
              merged[arm][world][merge],
              "\(name), \(experiment.merges[merge].value.name.value), \(worlds[world].text)", nil)
          }
        })
    }
    _ = try runner.outcomes(of: measuring)
    if experiment.measure.value.examples.value > 0 {
      // The first seed of the share that is nearest to a half.
      let world = worlds.indices.min { abs(worlds[$0].share - 0.5) < abs(worlds[$1].share - 0.5) } ?? 0
      let task = try steps.answer(
        worlds[world],
        experiment.arms.indices.compactMap { arm in
          merged[arm][world][0].map { (experiment.arms[arm].value.name.value, $0) }
        })
      let outcome = try runner.outcomes(of: [task])[0]
      results.examples = try outcome["examples"]?.arrayValue?.map { try ExperimentRecord.Example($0) } ?? []
    }
    return results
  }

  private func write(_ record: ExperimentRecord, labels: [(world: World, text: String)]) throws {
    let folder = FilePath(output).appending("labels")
    try makeFolder(folder, for: output)
    for (world, text) in labels {
      try writeWhole(text, to: folder.appending("\(world.fileName).jsonl").string)
    }
    try writeWhole(record.csv, to: "\(output)/experiment.csv")
    try writeWhole(ExperimentPage(record).html, to: "\(output)/experiment.html")
    try writeWhole(record.text, to: "\(output)/experiment.json")
  }
}

/// The number of lines of a text that ends with one.
func lineCount(_ text: String) -> Int { text.utf8.count { $0 == UInt8(ascii: "\n") } }

/// One seed and one share of bad samples: everything is done once in each.
struct World: Sendable, Equatable {
  let share: Double
  let seed: Int

  var text: String { "\(percent) bad, seed \(seed)" }
  var fileName: String { "share-\(share)-seed-\(seed)" }
  private var percent: String {
    let percent = (share * 1000).rounded() / 10
    return (Int(exactly: percent).map(String.init) ?? "\(percent)") + " %"
  }
}

/// A selection that was made.
struct Selected: Sendable {
  let arm: Int
  /// Nil for the arm's own.
  let rule: String?
  let world: Int
  let step: Step
}

/// Where measurements lie.
struct ExperimentResults: Sendable {
  let base: String
  /// By arm, world and client.
  var own: [[[String]]] = []
  /// By arm, world and merge.
  var merged: [[[String]]] = []
  var examples: [ExperimentRecord.Example] = []

  init(base: String) { self.base = base }
}
