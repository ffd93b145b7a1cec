import Capture
import Datasets
import Diagnostics
import Digests
import JSON
import PluginHost
import Recipes
import Runs
import Training

/// A client's data, read and known by its digests.
struct ExperimentClient: Sendable {
  let name: String
  let train, anchor, validation, test: String
  let rows: [AnsweredRow]
  /// How many times the share of bad samples it has.
  let corruptionFactor: Double
  let digests: [String]
  /// How many samples of each sort there are.
  let counts: (train: Int, anchor: Int, validation: Int, test: Int)
  /// Those of the test samples, by id as measuring names them.
  let testGroups: [String: String]

  init(_ client: Experiment.Client, of experiment: Experiment, limits: Limits) throws {
    name = client.name.value
    (train, anchor) = (experiment.path(client.train), experiment.path(client.anchor))
    (validation, test) = (experiment.path(client.validation), experiment.path(client.test))
    let all = try AnsweredRow.all(in: train, limits: limits)
    if let samples = client.samples, samples.value > all.count {
      throw experiment.failure(
        "the client has \(samples.value) samples, but its file has \(all.count)", at: samples.origin)
    }
    rows = Array(all.prefix(client.samples?.value ?? all.count))
    corruptionFactor = client.corruptionFactor.value
    for share in experiment.corruption.value.shares where share.value * corruptionFactor > 1 {
      throw experiment.failure(
        "\(corruptionFactor) times the share \(share.value) is more than all samples",
        at: client.corruptionFactor.origin)
    }
    digests = try [train, anchor, validation, test].map { try contentDigest($0) }
    let held = try Dataset(path: test, limits: limits, usesGroups: true)
    counts = (
      rows.count, try Dataset(path: anchor, limits: limits).records.count,
      try Dataset(path: validation, limits: limits).records.count, held.records.count
    )
    let domain = name
    testGroups = held.records.reduce(into: [:]) { groups, record in
      groups[held.hasIds ? record.id : "\(domain)-\(record.id)"] = record.group
    }
  }
}

/// An experiment with everything checked before there is any work in it.
struct ExperimentSetup: Sendable {
  let experiment: Experiment
  let base: String
  let baseDigest: String
  let clients: [ExperimentClient]
  let kinds: [Experiment.BadKind]
  let limits: Limits
  /// The arms, by their indices, that cannot be scored without gradients.
  private(set) var armsByGradients: Set<Int> = []
  private let catalog: PluginCatalog

  /// - throws: ``Failure``: what the readers of data refuse; `badRecipe` for values that no training, scorer or method takes.
  init(_ experiment: Experiment, catalog: PluginCatalog, limits: Limits) throws {
    self.experiment = experiment
    self.catalog = catalog
    self.limits = limits
    kinds =
      experiment.corruption.value.kinds.isEmpty
      ? Experiment.BadKind.allCases : experiment.corruption.value.kinds.map(\.value)
    base = experiment.path(experiment.base)
    clients = try experiment.clients.map { client in
      try locating(client: client.value.name.value) {
        try ExperimentClient(client.value, of: experiment, limits: limits)
      }
    }
    baseDigest = try contentDigest(base)
    try check()
  }

  /// More than anybody waits for.
  private static let mostSteps = 1e6

  private mutating func check() throws {
    let measure = experiment.measure.value
    for (value, most, name) in [
      (measure.draws, 100_000, "draws"), (measure.examples, 1000, "examples"),
      (measure.answerTokens, 100_000, "answer_tokens"),
    ] where value.value > most {
      throw experiment.failure("'measure.\(name)' must be at most \(most), not \(value.value)", at: value.origin)
    }
    let worlds = Double(experiment.seeds.count) * Double(experiment.corruption.value.shares.count)
    let each = Double(clients.count + experiment.merges.count + experiment.thresholds.count)
    guard worlds * Double(experiment.arms.count) * each <= Self.mostSteps else {
      throw Failure(
        .badRecipe, "the experiment has more than a million steps", advice: "name fewer seeds, shares, arms or merges",
        file: experiment.file)
    }
    for arm in experiment.arms where arm.value.name.value == "base" {
      throw experiment.failure("'base' is what the base model is called", at: arm.value.name.origin)
    }
    try experiment.locating(experiment.training.origin) {
      try training(clients[0], "data", nil, seed: 1, "output").check()
    }
    if let template = experiment.training.value.template, Template(rawValue: template.value) == nil {
      throw experiment.failure(
        "'training.template' must be one of \(Template.allCases.map(\.rawValue).joined(separator: ", "))",
        at: template.origin)
    }
    let bench = Bench(catalog: catalog, threads: 1)
    for (place, arm) in experiment.arms.enumerated() {
      try experiment.locating(arm.origin) {
        guard let recipe = try recipe(of: arm, [], seed: 1) else { return }
        try bench.check(recipe)
        if try bench.needsGradients(recipe) { armsByGradients.insert(place) }
        for rule in experiment.thresholds { try bench.check(Experiment.recipe(recipe, selectingBy: rule.value)) }
      }
    }
    for merge in experiment.merges {
      try experiment.locating(merge.origin) {
        try bench.check(experiment.recipe(of: merge, clients: clients.map { ($0.name, $0.name, 1) }, seed: 1))
      }
    }
  }

  /// The recipe of an arm over the clients' bundles.
  func recipe(of arm: Located<Experiment.Arm>, _ bundles: [(name: String, path: String)], seed: Int) throws -> Recipe? {
    try experiment.recipe(
      of: arm, clients: bundles.isEmpty ? clients.map { ($0.name, $0.name) } : bundles, seed: seed, limits: limits)
  }

  /// What a recipe does, and with which libraries: what a step of it is known by.
  func identity(of recipe: Recipe) throws -> JSONObject {
    let value = recipe.jsonValue.objectValue ?? [:]
    var plugins = recipe.score.map(\.value.scorer.value)
    if let select = recipe.select { plugins.append(select.value.threshold.value) }
    if let merge = recipe.merge { plugins.append(merge.value.method.value) }
    return [
      "settings": .object(
        JSONObject(
          value.members.filter { ["score", "combine", "select", "merge", "seed"].contains($0.key) }.map {
            ($0.key, $0.value)
          })),
      "plugins": .object(
        JSONObject(try Set(plugins).sorted().map { ($0, .string(try catalog.entry($0).library.digested())) })),
    ]
  }

  /// A training of a client on a file of samples.
  ///
  /// - parameter keep: A file of ids; nil to train on all.
  func training(
    _ client: ExperimentClient, _ data: String, _ keep: String?, seed: Int, _ output: String, threads: Int = 1
  ) -> TrainingSettings {
    let training = experiment.training.value
    var settings = TrainingSettings(data: capture(client, output, data))
    settings.data.keep = keep
    settings.data.threads = threads
    (settings.data.anchor, settings.data.validation) = (nil, [])
    settings.rank = training.rank?.value
    settings.alpha = training.alpha?.value
    settings.usesRsLoRA = training.usesRsLoRA.value
    settings.targets = training.targets.isEmpty ? nil : training.targets.map(\.value)
    settings.dropout = training.dropout?.value
    settings.length = training.steps.map { .steps($0.value) } ?? .epochs(training.epochs?.value ?? 3)
    (settings.batch, settings.accumulation) = (training.batch.value, training.accumulation.value)
    settings.seed = UInt64(seed)
    settings.learningRate = training.learningRate.value
    settings.schedule = Training.Schedule(rawValue: training.schedule.value.rawValue) ?? .linear
    (settings.warmup, settings.clip) = (training.warmup.value, training.clip.value)
    settings.weightDecay = training.weightDecay.value
    settings.saveSteps = training.saveSteps?.value
    return settings
  }

  /// How a trained client is measured for scoring.
  func capture(_ client: ExperimentClient, _ trained: String, _ data: String) -> CaptureSettings {
    var settings = CaptureSettings(
      client: trained, base: base, train: [data], anchor: client.anchor,
      validation: clients.map { ($0.name, $0.validation) })
    settings.domain = client.name
    settings.template = template
    settings.loss = loss
    settings.maximumLength = experiment.training.value.maximumLength?.value
    settings.limits = limits
    return settings
  }

  var template: Template? { experiment.training.value.template.flatMap { Template(rawValue: $0.value) } }
  var loss: LossSpan { LossSpan(rawValue: experiment.training.value.loss.value.rawValue) ?? .answer }

  /// What decides what a sample becomes for the model.
  var encoding: JSONObject {
    let training = experiment.training.value
    return [
      "base": .string(baseDigest), "template": JSONValue(template?.rawValue), "loss": .string(loss.rawValue),
      "max_length": training.maximumLength.map { JSONValue($0.value) } ?? .null,
    ]
  }

  /// The steps of a training on so many samples.
  func steps(_ samples: Int) -> Int {
    let training = experiment.training.value
    if let steps = training.steps { return steps.value }
    let batch = training.batch.value * training.accumulation.value
    return Int((training.epochs?.value ?? 3) * Double((samples + batch - 1) / batch)) + 1
  }

  /// About how much work a step is, in steps of a training.
  func cost(_ kind: StepKind, _ client: ExperimentClient? = nil) -> Int {
    let batch = experiment.training.value.batch.value * experiment.training.value.accumulation.value
    let test = clients.reduce(0) { $0 + $1.counts.test }
    let samples = client?.counts ?? (train: 0, anchor: 0, validation: 0, test: test)
    let cost: Double
    switch kind {
    case .corrupt, .select, .merge: cost = 1
    case .train: cost = Double(steps(samples.train))
    case .capture:
      let interval = experiment.training.value.saveSteps?.value ?? max(1, (samples.train + batch - 1) / batch)
      let measured = samples.train + samples.anchor + clients.reduce(0) { $0 + $1.counts.validation }
      cost = (Double(steps(samples.train)) / Double(interval)).rounded(.up) * Double(measured) / Double(batch)
    case .measure: cost = Double(samples.test) / Double(3 * batch)
    case .answer: cost = Double(clients.count * experiment.measure.value.examples.value * (experiment.arms.count + 1))
    }
    return Int(min(1e6, max(1, cost)))
  }
}
