import Capture
import Diagnostics
import Digests
import Files
import JSON
import Measuring
import PluginHost
import Recipes
import Records
import Runs
import Scoring
import SystemPackage
import Training

/// What the steps of an experiment do, and what each is made of.
struct ExperimentSteps: Sendable {
  let setup: ExperimentSetup
  let store: StepStore
  let catalog: PluginCatalog

  /// A client's corrupted data.
  struct Data: Sendable {
    let path: String
    let digest: String
    let labels: String
    /// The ids of the good samples, one a line.
    let clean: String
  }

  private var clients: [ExperimentClient] { setup.clients }

  func corrupt(_ client: Int, _ world: World) -> StepTask {
    let own = clients[client]
    let others = clients.indices.filter { $0 != client }.map { clients[$0] }
    let share = world.share * own.corruptionFactor
    let step = store.step(
      .corrupt, "corrupt \(own.name), \(world.text)", cost: setup.cost(.corrupt),
      made: [
        "client": .string(own.name), "train": .string(own.digests[0]),
        "samples": JSONValue(own.rows.count),
        "others": JSONValue(others.map { "\($0.name) \($0.digests[0]) \($0.rows.count)" }), "share": .number(share),
        "kinds": JSONValue(setup.kinds.map(\.rawValue)), "seed": JSONValue(world.seed),
      ])
    let kinds = setup.kinds
    return StepTask(step: step) { _, _ in
      let data = try locating(file: own.train) {
        try CorruptedData(
          own.rows, of: own.name, others: others.map(\.rows), share: share, kinds: kinds,
          seed: UInt64(world.seed))
      }
      for (name, text) in [("train.jsonl", data.samples), ("labels.jsonl", data.labels), ("clean.txt", data.clean)] {
        try writeWhole(text, to: "\(step.folder)/\(name)")
      }
      return ["digest": .string(sha256(of: data.samples))]
    }
  }

  func data(_ client: Int, _ world: World, _ outcome: JSONObject) throws -> Data {
    let folder = corrupt(client, world).step.folder
    func text(_ name: String) throws -> String {
      String(decoding: try StreamReader("\(folder)/\(name)").bytes(), as: UTF8.self)
    }
    return Data(
      path: "\(folder)/train.jsonl", digest: outcome["digest"]?.stringValue ?? "", labels: try text("labels.jsonl"),
      clean: try text("clean.txt"))
  }

  /// - parameter keep: The ids that are trained on, one a line; nil for all.
  func train(_ client: Int, _ world: World, _ data: Data, keep: String?) throws -> StepTask {
    let (own, setup) = (clients[client], setup)
    var made = setup.encoding
    made["client"] = .string(own.name)
    made["data"] = .string(data.digest)
    made["keep"] = keep.map { .string(sha256(of: $0)) } ?? .null
    made["training"] = setup.experiment.jsonValue.objectValue?["training"] ?? .null
    made["seed"] = JSONValue(world.seed)
    let count = keep.map(lineCount) ?? own.rows.count
    let step = store.step(
      .train, "train \(own.name) on \(count) samples, \(world.text)", cost: setup.steps(count), made: made)
    let output = "\(step.folder)/\(own.name)"
    // Nobody measures the checkpoints of what is trained on a part, and their moments take the most room.
    let tidy: @Sendable () -> Void = {
      guard keep != nil else { return }
      for folder in Self.checkpoints(of: step, own.name) { removeTree(folder) }
    }
    return StepTask(step: step, tidy: tidy) { observer, threads in
      let list = try keep.map { keep in
        let path = "\(step.folder)/kept.txt"
        try writeWhole(keep, to: path)
        return path
      }
      let settings = setup.training(own, data.path, list, seed: world.seed, output, threads: threads)
      let report = try Trainer(settings, observer: observer).run()
      return [
        "steps": JSONValue(report.steps), "samples": JSONValue(report.samples),
        "loss": report.epochLoss.map { number($0) } ?? .null,
      ]
    }
  }

  /// - parameter gradients: Whether they are needed, too: they take by far the most room, and are removed when all is scored.
  func capture(
    _ client: Int, _ world: World, _ data: Data, _ training: Step, gradients: Bool
  ) -> StepTask {
    let (own, setup) = (clients[client], setup)
    var made = setup.encoding
    made["training"] = .string(training.key)
    made["anchor"] = .string(own.digests[1])
    made["validation"] = JSONValue(clients.map { "\($0.name) \($0.digests[2])" })
    let step = store.step(
      .capture, "capture \(own.name), \(world.text)", cost: setup.cost(.capture, own), made: made)
    let isWhole: @Sendable () -> Bool = {
      // Those of some checkpoints alone are what is left of a removal.
      !gradients || Self.checkpoints(of: step, own.name).allSatisfy { FilePath("\($0)/gradients").isFolder }
    }
    return StepTask(step: step, isWhole: isWhole) { observer, threads in
      var settings = setup.capture(own, "\(training.folder)/\(own.name)", data.path)
      let output = "\(step.folder)/\(own.name)"
      settings.output = output
      settings.writesGradients = gradients
      settings.threads = threads
      // One that was written and not yet said to be done.
      removeTree(output)
      let report = try Capture(settings, observer: observer).run()
      return ["unscored": JSONValue(report.unscored.count)]
    }
  }

  /// The folders of the checkpoints in a training or a capture.
  private static func checkpoints(of step: Step, _ client: String) -> [String] {
    let bundle = "\(step.folder)/\(client)"
    let found = (try? names(in: FilePath(bundle))) ?? []
    return found.filter { $0.hasPrefix("checkpoint-") }.map { "\(bundle)/\($0)" }
  }

  func removeGradients(of capture: Step, _ client: Int) {
    for folder in Self.checkpoints(of: capture, clients[client].name) { removeTree("\(folder)/gradients") }
  }

  /// Scores and selects as an arm does.
  func select(_ arm: Located<Experiment.Arm>, _ world: World, _ captured: [Step]) throws -> StepTask {
    let bundles = zip(clients, captured).map { (name: $0.name, path: "\($1.folder)/\($0.name)") }
    let recipe = try recipe(of: arm, bundles, world)
    var made = try setup.identity(of: recipe)
    made["captures"] = JSONValue(captured.map(\.key))
    let step = store.step(
      .select, "select \(arm.value.name.value), \(world.text)", cost: setup.cost(.select), made: made)
    let catalog = catalog
    return StepTask(step: step) { observer, threads in
      let scored = try Bench(catalog: catalog, observer: observer, threads: threads).score(recipe)
      for note in scored.notes { observer.note(note) }
      guard let selection = scored.selection else { throw Failure(.badRecipe, "the recipe selects nothing") }
      return try Self.write(selection, into: step.folder)
    }
  }

  /// Selects by another threshold rule from the scores of an arm's own selection.
  func select(
    _ arm: Located<Experiment.Arm>, by rule: Recipe.Selection, _ world: World, scored: Step
  ) throws -> StepTask {
    let recipe = Experiment.recipe(try recipe(of: arm, [], world), selectingBy: rule)
    var made = try setup.identity(of: recipe)
    made["scores"] = .string(scored.key)
    let step = store.step(
      .select, "select \(arm.value.name.value) by \(rule.summary), \(world.text)", cost: setup.cost(.select),
      made: made)
    let (catalog, limits) = (catalog, setup.limits)
    return StepTask(step: step) { observer, threads in
      let scores = try ScoreTable(path: "\(scored.folder)/\(RunFiles.scores)", limits: limits)
      let bench = Bench(catalog: catalog, observer: observer, threads: threads)
      return try Self.write(bench.select(scores, by: recipe), into: step.folder)
    }
  }

  private func recipe(
    of arm: Located<Experiment.Arm>, _ bundles: [(name: String, path: String)], _ world: World
  ) throws -> Recipe {
    guard let recipe = try setup.recipe(of: arm, bundles, seed: world.seed) else {
      throw Failure(.badRecipe, "the arm '\(arm.value.name.value)' scores nothing")
    }
    return recipe
  }

  private static func write(_ selection: SampleSelection, into folder: String) throws -> JSONObject {
    for client in selection.clients {
      let path = "\(folder)/\(RunFiles.selected(of: client.client))"
      try makeFolder(FilePath(path).folder, for: path)
      try writeWhole(selection.keptIds(of: client.client), to: path)
    }
    try ScoresOutput(selection.table).write(to: "\(folder)/\(RunFiles.scores)", replacing: true)
    return [
      "threshold": selection.globalThreshold.map { number($0) } ?? .null,
      "excess": .object(JSONObject(selection.clients.map { ($0.client, number($0.excess)) })),
    ]
  }

  /// A client in a merge.
  struct Member {
    let name: String
    let training: Step
    /// How many of how many samples the arm keeps.
    let kept, all: Int
    /// The sum of the kept scores' distances above the threshold; nil in an arm without scores.
    let excess: Double?
  }

  func merge(
    _ merge: Located<Experiment.Merge>, _ world: World, _ arm: String, _ members: [Member]
  ) throws -> StepTask {
    let raw = members.compactMap { member in
      let share = Double(member.kept) / Double(member.all)
      return merge.value.weights.value.weight(
        samples: member.all, kept: member.kept, share: share, excess: member.excess ?? share)
    }
    guard let weights = Recipe.Weighting.scaled(raw) else {
      throw setup.experiment.failure(
        "the weights '\(merge.value.weights.value.rawValue)' of the arm '\(arm)' are all 0, \(world.text)",
        at: merge.value.weights.origin)
    }
    let recipe = try setup.experiment.recipe(
      of: merge,
      clients: zip(members, weights).map { ($0.name, "\($0.training.folder)/\($0.name)", $1) }, seed: world.seed,
      limits: setup.limits)
    var made = try setup.identity(of: recipe)
    made["adapters"] = JSONValue(members.map { "\($0.name) \($0.training.key)" })
    made["weights"] = .array(weights.map { .number($0) })
    let step = store.step(
      .merge, "merge \(merge.value.name.value) of \(arm), \(world.text)", cost: setup.cost(.merge), made: made)
    let catalog = catalog
    return StepTask(step: step) { observer, threads in
      let bench = Bench(catalog: catalog, observer: observer, threads: threads)
      let outcome = try bench.run(recipe, output: "\(step.folder)/merged", replacing: true)
      return ["modules": JSONValue(outcome.merge?.modules.count ?? 0)]
    }
  }

  func measureBase() -> StepTask { measure(nil, "measure the base model", made: "base", nil) }

  /// - parameters:
  ///   - path: The adapter, in the folder of the step that made it.
  ///   - client: Whose test samples; nil for all.
  func measure(_ path: String, _ title: String, _ client: Int?) -> StepTask {
    // The folders of steps are named after what made them.
    measure(path, "measure \(title)", made: path.split(separator: "/").suffix(2).joined(separator: "/"), client)
  }

  private func measure(_ path: String?, _ title: String, made: String, _ client: Int?) -> StepTask {
    let setup = setup
    let tests = client.map { [clients[$0]] } ?? clients
    var parts = setup.encoding
    parts["adapter"] = .string(made)
    parts["tests"] = JSONValue(tests.map { "\($0.name) \($0.digests[3])" })
    let cost = client.map { setup.cost(.measure, clients[$0]) } ?? setup.cost(.measure)
    let step = store.step(.measure, title, cost: cost, made: parts)
    return StepTask(step: step) { observer, threads in
      var settings = setup.measuring(tests.map { ($0.name, $0.test) })
      if let path { settings.inputs = [.init(path: path, name: Measured.adapter)] }
      settings.measuresBase = path == nil
      settings.draws = 0
      settings.samplesFile = "\(step.folder)/samples.jsonl"
      settings.replaces = true
      settings.threads = threads
      let report = try Measurement(settings, observer: observer).run()
      return ["left_out": JSONValue(report.leftOut.count)]
    }
  }

  /// Has the models answer a few questions.
  func answer(_ world: World, _ adapters: [(name: String, path: String)]) throws -> StepTask {
    let (setup, clients) = (setup, clients)
    let measure = setup.experiment.measure.value
    var made = setup.encoding
    made["adapters"] = JSONValue(
      adapters.map { "\($0.name) " + $0.path.split(separator: "/").suffix(2).joined(separator: "/") })
    made["tests"] = JSONValue(clients.map { "\($0.name) \($0.digests[3])" })
    made["examples"] = JSONValue(measure.examples.value)
    made["answer_tokens"] = JSONValue(measure.answerTokens.value)
    let step = store.step(.answer, "answer questions, \(world.text)", cost: setup.cost(.answer), made: made)
    return StepTask(step: step) { observer, threads in
      var files: [(domain: String?, path: String)] = []
      for client in clients {
        let rows = try AnsweredRow.all(in: client.test, limits: setup.limits).prefix(measure.examples.value)
        let path = "\(step.folder)/\(client.name).jsonl"
        // Clients may have ids in common.
        try writeWhole(rows.map { $0.line(id: "\(client.name)-\($0.id)") }.joined(), to: path)
        files.append((client.name, path))
      }
      var settings = setup.measuring(files)
      settings.inputs = adapters.map { .init(path: $0.path, name: $0.name) }
      settings.draws = 0
      settings.answerTokens = measure.answerTokens.value
      settings.answersFile = "\(step.folder)/answers.jsonl"
      settings.replaces = true
      settings.threads = threads
      _ = try Measurement(settings, observer: observer).run()
      return ["examples": .array(try Self.examples("\(step.folder)/answers.jsonl", setup.limits))]
    }
  }

  private static func examples(_ path: String, _ limits: Limits) throws -> [JSONValue] {
    try Measured.lines(path, limits).map { line in
      let measured = try MeasureRecord.Example(.object(line))
      var example = ExperimentRecord.Example()
      (example.client, example.question, example.reference) = (measured.domain, measured.prompt, measured.reference)
      example.answers = measured.answers.map { ($0.key, $0.value.text) }
      return example.json
    }
  }
}

extension ExperimentSetup {
  /// A measurement on these files.
  func measuring(_ files: [(domain: String?, path: String)]) -> MeasureSettings {
    var settings = MeasureSettings(inputs: [], base: base, data: files)
    settings.template = template
    settings.loss = loss
    settings.maximumLength = experiment.training.value.maximumLength?.value
    settings.limits = limits
    return settings
  }
}
