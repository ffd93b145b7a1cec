import Adapters
import Diagnostics
import Engine
import JSON
import Tensors

/// Measures what has not been measured yet, checkpoint by checkpoint.
struct CaptureWork {
  let settings: CaptureSettings
  let observer: any Observer
  let interruption: @Sendable () throws -> Void
  let base: BaseModel
  let samples: CaptureSamples
  let kept: KeptParts
  let keys: CaptureKeys

  /// The lines of `ledger.jsonl`, once everything is measured.
  private(set) var ledger = ""

  /// Finished files of gradients, and their paths in the bundle.
  private(set) var gradientFiles: [(from: String, path: String)] = []

  /// The steps that an interrupted capture had finished.
  private(set) var resumed: [Int] = []

  init(
    settings: CaptureSettings, observer: any Observer, interruption: @escaping @Sendable () throws -> Void,
    base: BaseModel, samples: CaptureSamples, kept: KeptParts, keys: CaptureKeys
  ) {
    (self.settings, self.observer, self.interruption, self.base) = (settings, observer, interruption, base)
    (self.samples, self.kept, self.keys) = (samples, kept, keys)
  }

  /// - parameter engines: For every checkpoint, its adapter applied to the base model.
  mutating func run(_ inputs: [CheckpointInputs], _ engines: [Engine]) throws {
    let scored = samples.scored.filter { $0.fault == nil }.count
    let validation = samples.validation.reduce(0) { $0 + $1.samples.count }
    let finished = inputs.map(finishedLines)
    let known = kept.lines(keys.base).flatMap { BaseLossTable($0, count: samples.scored.count) }
    resume(zip(inputs, finished).compactMap { $1 == nil ? nil : $0.step })
    observer.begin(
      .capturing, total: (known == nil ? scored : 0) + finished.filter { $0 == nil }.count * (scored + validation))
    defer { observer.end(.capturing) }
    let baseLosses = try known ?? measuredBase()
    var lines: [String] = []
    for (place, input) in inputs.enumerated() {
      let rows = try finished[place] ?? measured(input, engines[place], baseLosses.losses)
      lines += rows
      gradientFiles += gradientNames(input).map { (kept.path(keptName($0.name, input.step)), $0.path) }
    }
    ledger = lines.map { $0 + "\n" }.joined()
    // Read back with the same reader as everyone else's ledgers.
    _ = try locating(file: "ledger.jsonl") { try Ledger(Bytes(ledger.utf8), limits: settings.limits) }
  }

  /// Takes over a capture that had finished all checkpoints and written its evidence.
  mutating func takeOver(_ inputs: [CheckpointInputs]) {
    resume(inputs.map(\.step))
    gradientFiles = inputs.flatMap { input in
      gradientNames(input).map { (kept.path(keptName($0.name, input.step)), $0.path) }
    }
  }

  private mutating func resume(_ steps: [Int]) {
    resumed = steps
    guard !steps.isEmpty else { return }
    let list = steps.map(String.init).joined(separator: ", ")
    observer.note(.info("continues an interrupted capture, which had finished the checkpoints \(list)"))
  }

  /// The rows of a checkpoint if it was finished with all its files.
  private func finishedLines(_ input: CheckpointInputs) -> [String]? {
    guard let name = keys.checkpoints[input.step], let lines = kept.lines(name) else { return nil }
    let hasGradients = gradientNames(input).allSatisfy { kept.holds(keptName($0.name, input.step)) }
    return lines.count == samples.scored.count && hasGradients ? lines : nil
  }

  private func measuredBase() throws -> BaseLossTable {
    let engine = try Engine(model: base.model, adapter: nil, threads: settings.threads)
    var losses = [BaseLosses](repeating: BaseLosses(), count: samples.scored.count)
    for places in portions {
      let whole = places.map { samples.scored[$0].measured }
      let bare = places.filter { samples.scored[$0].withoutPrompt != nil }
      let found = try watched(engine, counting: whole.count).losses(
        of: whole + bare.compactMap { samples.scored[$0].withoutPrompt })
      let (with, without) = (found.prefix(whole.count), found.dropFirst(whole.count))
      // Only now, since it reads all of the weights. If they are at fault, no sample is.
      if with.contains(where: { $0.value == nil }) { try base.model.checkThatMatricesAreFinite() }
      for (place, loss) in zip(places, with) {
        losses[place].withPrompt = loss.value
        note(loss, of: samples.scored[place], "of the untuned model")
      }
      for (place, loss) in zip(bare, without) { losses[place].withoutPrompt = loss.value }
    }
    let table = BaseLossTable(losses)
    try kept.keep(table.lines, as: keys.base)
    return table
  }

  private func measured(_ input: CheckpointInputs, _ engine: Engine, _ base: [BaseLosses]) throws -> [String] {
    let targets = try samples.validation.map { domain, samples in try target(of: samples, domain, input, engine) }
    let domains = samples.validation.map(\.domain)
    let norms = zip(domains, targets).map { (domain: $0, norm: $1.norm) }
    let files = try gradientSplits(input, engine)
    var rows = [MeasuredRow](repeating: MeasuredRow(), count: samples.scored.count)
    do {
      for places in portions {
        let found = try measured(places, engine, input, targets, domains, files)
        for (place, row) in zip(places, found) { rows[place] = row }
      }
      for file in files { try file.finish(rows) }
    } catch {
      for file in files { file.abandon() }
      throw error
    }
    guard rows.contains(where: { $0.loss != nil }) else {
      throw Failure(
        .badData, "gives no sample a finite loss at step \(input.step)",
        advice: "leave the checkpoint out, or use an earlier one: --checkpoint N",
        file: input.files.adapter.weights.name)
    }
    let lines = samples.scored.indices.map { place in
      LedgerLine(
        step: input.step, learningRate: input.learningRate, sample: samples.scored[place].sample, row: rows[place],
        base: base[place], validationNorms: norms
      ).text
    }
    try kept.keep(lines, as: keys.checkpoints[input.step] ?? "")
    return lines
  }

  /// The mean gradient of a validation set; also writes the gradients to a file if requested.
  private func target(
    of validation: [CapturedSample], _ domain: String, _ input: CheckpointInputs, _ engine: Engine
  ) throws -> MeanGradient {
    let encoded = validation.map(\.learned)
    // Checked first, so that the failure names file and line.
    let (mean, losses): (MeanGradient, [SampleLoss])
    do {
      (mean, losses) = try watched(engine, counting: encoded.count).meanGradient(of: encoded)
    } catch let failure as Failure {
      if failure.kind == .interrupted { throw failure }
      let all = try engine.losses(of: encoded)
      guard let place = all.firstIndex(where: { $0.value == nil }) else { throw failure.at(file: validation[0].file) }
      throw Failure(
        .badData, "has a validation sample that cannot be measured at step \(input.step): \(all[place].reason ?? "")",
        advice: "leave it out: all others are compared with the mean of these", file: validation[place].file,
        position: .init(line: validation[place].line, column: 1))
    }
    guard settings.writesGradients else { return mean }
    let file = try GradientFile(
      kept.path(keptName("validation.\(domain).safetensors", input.step)), modules: engine.modules,
      samples: validation.count)
    do {
      try watched(engine, counting: 0).gradients(
        of: encoded, into: GradientFileSink(file: file))
      try file.finish(losses: losses.map { Float($0.value ?? .nan) }, tokens: losses.map(\.tokens))
    } catch {
      file.abandon()
      throw error
    }
    return mean
  }

  private func measured(
    _ places: [Int], _ engine: Engine, _ input: CheckpointInputs, _ targets: [MeanGradient], _ domains: [String],
    _ files: [GradientSplit]
  ) throws -> [MeasuredRow] {
    let portion = places.map { samples.scored[$0] }
    let learned = portion.map(\.learned)
    let sums = try locating(file: input.files.optimizer?.name) {
      try LedgerSums(samples: places.count, modules: engine.modules, moments: input.moments, targets: targets)
    }
    let counted = watched(engine, counting: learned.count)
    var losses: [SampleLoss]
    if files.isEmpty {
      losses = try counted.gradients(of: learned, into: sums)
    } else {
      losses = try counted.gradients(of: learned, into: SumsAndFiles(sums: sums, files: files, places: places))
    }
    if settings.lossesOver != settings.loss {
      losses = try watched(engine, counting: 0).losses(of: portion.map(\.measured))
    }
    return zip(portion.indices, losses).map { place, loss in
      note(loss, of: portion[place], "at step \(input.step)")
      guard let value = loss.value, let row = sums.row(of: place) else { return MeasuredRow() }
      func update(_ alignment: LedgerRow.Alignment) -> MeasuredRow.Update {
        .init(norm: alignment.norm, dots: Dictionary(uniqueKeysWithValues: zip(domains, alignment.dots)))
      }
      let gradient = update(row.gradient)
      return MeasuredRow(
        tokens: loss.tokens, loss: value, gradientNorm: gradient.norm, dots: gradient.dots, adam: row.adam.map(update),
        reference: row.reference.map(update))
    }
  }

  /// The indices of the samples that can be measured, in portions that keep threads busy and need little memory. No
  /// number depends on what is measured together.
  private var portions: [[Int]] {
    let places = samples.scored.indices.filter { samples.scored[$0].fault == nil }
    let most = max(256, 64 * settings.threads)
    return stride(from: 0, to: places.count, by: most).map { Array(places[$0..<min($0 + most, places.count)]) }
  }

  /// The engine, which after every pack reports how many of the first samples are done, and checks whether to stop.
  private func watched(_ engine: Engine, counting count: Int) -> Engine {
    var engine = engine
    engine.packEnded = { [observer, interruption] samples in
      observer.advance(.capturing, by: samples.count { $0 < count })
      try interruption()
    }
    return engine
  }

  private func note(_ loss: SampleLoss, of sample: CapturedSample, _ when: String) {
    guard let reason = loss.reason else { return }
    observer.note(.info("\(sample.file):\(sample.line): stays unscored \(when): \(reason)"))
  }
}
