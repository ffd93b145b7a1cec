import Adapters
import Bundles
import Capture
import Diagnostics
import Engine
import Files
import Glibc
import JSON
import SystemPackage

/// Trains an adapter as PEFT and Hugging Face's Trainer do; implements `clues train`.
package struct Trainer {
  private let settings: TrainingSettings
  private let observer: any Observer

  /// Throws if the user has asked to stop; called before and during every step.
  package var interruption: @Sendable () throws -> Void = { try Interruption.check() }

  package init(_ settings: TrainingSettings, observer: any Observer) {
    self.settings = settings
    self.observer = observer
  }

  /// The first samples of each file, token by token, showing what is learned.
  package func listings(_ count: Int) throws -> String {
    let base = try BaseModel(settings.data.base, limits: settings.data.limits)
    let samples = try samples(base, shown: count)
    for note in samples.notes { observer.note(.info(note)) }
    return samples.listings.joined(separator: "\n\n")
  }

  /// Trains, resuming an earlier run of the same training that was interrupted or killed.
  ///
  /// - throws: ``Failure``: of inputs with their file and line; `cannotWrite` for a folder that holds something else;
  ///   `badData` if the loss is no longer finite; `interrupted`. Checkpoints saved by then remain.
  package func run() throws -> TrainingReport {
    let start = ContinuousClock.now
    try settings.check()
    let base = try BaseModel(settings.data.base, limits: settings.data.limits)
    let samples = try samples(base)
    let training = samples.scored.filter { $0.sample.split == .train }
    let used = training.filter { $0.fault == nil }.map(\.learned)
    let adapter = try StartingAdapter(settings, base.model)
    let plan = try TrainingPlan(settings, count: used.count)
    let engine = try BatchEngine(
      model: base.model, adapter: adapter.adapter, longest: used.map(\.tokens.count).max() ?? 0,
      dropout: adapter.dropout, threads: settings.data.threads, recomputes: settings.checkpointsActivations,
      memory: Self.memory)
    let moments = AdamW.Settings(
      beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon, weightDecay: settings.weightDecay)
    var state = try TrainingState(starting: adapter.adapter, engine.modules, moments)
    let record = try TrainingRecord(settings, plan, adapter, state.factors, used)
    let folder = try TrainingFolder(settings.output)
    let found = try folder.steps(of: record, limits: settings.data.limits)

    var report = TrainingReport()
    report.notes = samples.notes + adapter.adapter.notes
    if engine.recomputes {
      report.notes.append("activations are checkpointed: less memory, and about a third more time")
    }
    for note in report.notes { observer.note(.info(note)) }
    if let last = found.last {
      state = try Self.state(of: last, in: folder, engine.modules, moments, settings.data.limits)
      report.resumedFrom = last
      observer.note(
        .info(
          last == plan.steps
            ? "all \(last) steps are trained already"
            : "goes on from checkpoint-\(last) of the same training in \(settings.output)"))
    }
    let writer = CheckpointWriter(
      settings: settings, plan: plan, record: record, modules: engine.modules, config: adapter.config)
    try train(&state, used, engine, plan, writer, folder, &report, checkpoints: found)
    try writer.writeAdapter(state.factors, to: folder.path)
    report.seconds = (.now - start) / .seconds(1)
    report.layers = engine.modules.count
    report.leftOut = training.compactMap { sample in
      sample.fault.map { (sample.sample.id, sample.file, sample.line, $0) }
    }
    try capture(folder, base, samples, hasTrained: report.resumedFrom != plan.steps, &report)
    return finished(report, state, plan, used.count)
  }

  /// What activations may take of the machine's memory before they are checkpointed: half.
  private static var memory: Int { sysconf(Int32(_SC_PHYS_PAGES)) / 2 * sysconf(Int32(_SC_PAGESIZE)) }

  private func samples(_ base: BaseModel, shown: Int = 0) throws -> CaptureSamples {
    var data = settings.data
    if !settings.captures { (data.anchor, data.validation) = (nil, []) }
    return try CaptureSamples(
      data, tokenizer: base.tokenizer, base.facts, domain: data.domain, shown: shown,
      fate: settings.captures ? "are neither trained on nor scored" : "are not trained on")
  }

  private static func state(
    of step: Int, in folder: TrainingFolder, _ modules: [AdaptedModule], _ settings: AdamW.Settings, _ limits: Limits
  ) throws -> TrainingState {
    let bundle = try Bundle.open(folder.path, wanting: [.adapters, .trainerStates, .optimizers], limits: limits)
    guard let checkpoint = bundle.checkpoints.first(where: { $0.step == step }) else {
      throw Failure(
        .badData, "holds no whole checkpoint of step \(step)",
        advice: "remove it: then the one before it is gone on from",
        file: folder.checkpoint(step))
    }
    return try TrainingState(checkpoint, modules, settings)
  }

  private func train(
    _ state: inout TrainingState, _ samples: [EncodedSample], _ engine: BatchEngine, _ plan: TrainingPlan,
    _ writer: CheckpointWriter, _ folder: TrainingFolder, _ report: inout TrainingReport, checkpoints found: [Int]
  ) throws {
    var saved = found
    report.checkpoints = saved
    guard state.step < plan.steps else { return }
    observer.begin(.training, total: plan.steps - state.step)
    defer { observer.end(.training) }
    let start = ContinuousClock.now
    var plan = plan
    while state.step < plan.steps {
      let batch = plan.samples(of: state.step).map { samples[$0] }
      let loss = try interruptible(at: state.step, saved) { try step(&state, batch, engine, plan, saved) }
      report.tokens += batch.reduce(0) { $0 + $1.tokens.count }
      report.labels += batch.reduce(0) { $0 + $1.labels.dropFirst().count { $0 != EncodedSample.unlearned } }
      let seconds = (.now - start) / .seconds(1)
      observer.advance(.training, by: 1)
      observer.show([
        StageFigure("loss", loss),
        StageFigure("tokens/s", key: "tokens_per_second", seconds > 0 ? Double(report.tokens) / seconds : 0),
      ])
      guard plan.saves(after: state.step) else { continue }
      try writer.write(state, to: folder.checkpoint(state.step))
      saved.append(state.step)
    }
    report.checkpoints = saved
  }

  /// One step of the optimizer.
  ///
  /// - returns: The loss before it.
  private func step(
    _ state: inout TrainingState, _ batch: [EncodedSample], _ engine: BatchEngine, _ plan: TrainingPlan, _ saved: [Int]
  ) throws -> Double {
    let step = state.step
    let keys = batch.indices.map { plan.dropoutKey(step: step, place: $0) }
    try interruption()
    let (loss, whole) = try engine.gradient(
      of: batch, factors: state.factors, keys: keys, interruption: interruption)
    var gradient = whole
    let norm = loss.isFinite ? clip(&gradient, to: settings.clip) : .nan
    guard norm.isFinite else {
      throw Failure(
        .badData,
        (loss.isFinite ? "the norm of the gradient is \(norm)" : "the loss is \(loss)") + " in step \(step + 1)",
        advice: "try a lower --learning-rate, a longer --warmup or a smaller --clip, and another folder; "
          + Self.standing(saved), file: settings.output)
    }
    let rate = settings.learningRate * settings.schedule.factor(step: step, warmup: plan.warmupSteps, total: plan.steps)
    state.optimizer.update(&state.factors, gradient, rate: rate)
    state.log.append([
      "epoch": .number(plan.epoch(after: state.step)), "grad_norm": .number(norm), "learning_rate": .number(rate),
      "loss": .number(loss), "step": JSONValue(state.step),
    ])
    return loss
  }

  /// Adds to an interruption which checkpoint remains.
  private func interruptible<Result>(at step: Int, _ saved: [Int], _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let failure as Failure where failure.kind == .interrupted {
      throw Failure(
        .interrupted, "interrupted in step \(step + 1); \(Self.standing(saved))",
        advice: saved.isEmpty ? nil : "the same command goes on from there")
    }
  }

  private static func standing(_ saved: [Int]) -> String {
    saved.last.map { "checkpoint-\($0) stands" } ?? "there is no checkpoint yet"
  }

  /// Measures the checkpoints if requested; all of them are saved.
  private func capture(
    _ folder: TrainingFolder, _ base: BaseModel, _ samples: CaptureSamples, hasTrained: Bool,
    _ report: inout TrainingReport
  ) throws {
    guard settings.captures else { return }
    let hasLedger = FilePath("\(folder.path)/ledger.jsonl").exists
    if hasLedger, !hasTrained, !FilePath("\(folder.path)/.clues-capture").exists {
      return observer.note(.info("the checkpoints are measured already: clues capture --force does it anew"))
    }
    var capture = Capture(settings.data, observer: observer)
    capture.interruption = interruption
    report.capture = try capture.run(opened: (base, samples))
  }

  private func finished(
    _ report: TrainingReport, _ state: TrainingState, _ plan: TrainingPlan, _ samples: Int
  ) -> TrainingReport {
    var report = report
    let losses = state.log.compactMap { $0.objectValue?["loss"]?.doubleValue }
    report.folder = settings.output
    report.steps = plan.steps
    report.epochs = plan.epoch(after: plan.steps)
    report.samples = samples
    report.parameters = state.factors.reduce(0) { $0 + $1.count }
    (report.firstLoss, report.lastLoss) = (losses.first, losses.last)
    let last = losses.suffix((plan.steps - 1) % plan.stepsOfEpoch + 1)
    report.epochLoss = last.isEmpty ? nil : last.reduce(0, +) / Double(last.count)
    return report
  }
}
