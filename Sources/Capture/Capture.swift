import Adapters
import Bundles
import Datasets
import Diagnostics
import Digests
import Engine
import JSON
import Models

/// Measures a client's samples at its checkpoints and writes its evidence: `samples.jsonl` and `ledger.jsonl`.
package struct Capture {
  private let settings: CaptureSettings
  private let observer: any Observer

  /// Throws if the user has asked to stop; called before every portion of samples.
  package var interruption: @Sendable () throws -> Void = { try Interruption.check() }

  package init(_ settings: CaptureSettings, observer: any Observer) {
    self.settings = settings
    self.observer = observer
  }

  /// The first samples of each file, token by token, showing what is learned.
  package func listings(_ count: Int) throws -> String {
    let base = try BaseModel(settings.base, limits: settings.limits)
    let client = try openClient()
    let samples = try CaptureSamples(
      settings, tokenizer: base.tokenizer, base.facts, domain: domain(of: client), shown: count)
    for note in samples.notes { observer.note(.info(note)) }
    return samples.listings.joined(separator: "\n\n")
  }

  /// Measures and writes.
  ///
  /// - parameter opened: The base model and the samples, if a training has opened them already and told their notes.
  /// - throws: ``Failure``: of inputs with their file and line, `cannotWrite`, `interrupted`; what is finished by then is kept,
  ///   and the next capture of the same inputs continues from there.
  package func run(opened: (base: BaseModel, samples: CaptureSamples)? = nil) throws -> CaptureReport {
    let client = try openClient()
    if let domain = settings.domain { try ClientName.check(domain, of: "domain", kind: .usage) }
    let target = try CaptureTarget(settings, client: client)
    let base = try opened?.base ?? BaseModel(settings.base, limits: settings.limits)
    let samples =
      try opened?.samples.named(domain: domain(of: client))
      ?? CaptureSamples(settings, tokenizer: base.tokenizer, base.facts, domain: domain(of: client))
    try target.checkPlaces(of: client)
    let inputs = try chosen(client.checkpoints).map { try CheckpointInputs($0) }
    let engines = try inputs.map { input in
      try locating(file: input.files.adapter.weights.name) {
        try Engine(model: base.model, adapter: input.adapter, threads: settings.threads)
      }
    }
    var report = CaptureReport()
    report.notes =
      client.notes + (opened == nil ? samples.notes : []) + inputs.flatMap(\.notes)
      + [inputs.first.flatMap { base.note(on: $0.adapter) }].compactMap { $0 }
    for note in report.notes { observer.note(.info(note)) }
    try target.makeParent()
    let kept = try KeptParts(target.keptParts)
    let keys = try CaptureKeys(settings, base, samples, inputs)
    let committed = kept.lines(keys.commit)
    do {
      try target.checkEvidence(isCommitted: committed != nil)
    } catch {
      kept.removeIfEmpty()
      throw error
    }
    if try kept.removeAll(but: Set(keys.all), beginningWith: Array(keys.gradients.values)) {
      observer.note(.info("the finished parts of an earlier capture with other inputs or settings are not used"))
    }
    var work = CaptureWork(
      settings: settings, observer: observer, interruption: interruption, base: base, samples: samples, kept: kept,
      keys: keys)
    if let committed, try target.ledgerDigest() == committed.first {
      // The killed capture had written everything, and was cleaning up.
      work.takeOver(inputs)
    } else {
      try work.run(inputs, engines)
      try kept.keep([sha256(of: work.ledger)], as: keys.commit)
      try target.write(
        [("samples.jsonl", sampleTable(samples)), ("ledger.jsonl", work.ledger)], moving: work.gradientFiles,
        from: client)
    }
    try kept.remove(last: keys.commit)
    return finished(report, client, target, samples, inputs, work)
  }

  private func openClient() throws -> Bundle {
    let client = try Bundle.open(
      settings.client, wanting: [.adapter, .adapters, .trainerStates, .optimizers], adapter: settings.adapter,
      limits: settings.limits)
    guard !client.checkpoints.isEmpty else {
      throw Failure(
        .badData, "holds no checkpoint", advice: "give the Trainer's output folder, with its checkpoint-N",
        file: settings.client)
    }
    return client
  }

  /// The client's own domain: given by the user or the client's files, else its name or the only one of the validation sets.
  private func domain(of client: Bundle) -> String? {
    let validated = settings.validation.map(\.domain)
    return settings.domain ?? client.domain ?? (validated.contains(client.client) ? client.client : nil)
      ?? (validated.count == 1 ? validated[0] : nil)
  }

  /// The requested checkpoints, in step order.
  private func chosen(_ all: [Checkpoint]) throws -> [Checkpoint] {
    guard let steps = settings.checkpoints else { return all }
    for step in steps where !all.contains(where: { $0.step == step }) {
      throw Failure(
        .usage, "holds no checkpoint of step \(step)",
        advice: "it holds the steps \(all.map { String($0.step) }.joined(separator: ", "))", file: settings.client)
    }
    return all.filter { steps.contains($0.step) }
  }

  private func finished(
    _ report: CaptureReport, _ client: Bundle, _ target: CaptureTarget, _ samples: CaptureSamples,
    _ inputs: [CheckpointInputs], _ work: CaptureWork
  ) -> CaptureReport {
    var report = report
    report.client = client.client
    report.folder = target.folder
    report.checkpoints = inputs.map(\.step)
    report.resumed = work.resumed
    report.domains = samples.validation.map(\.domain)
    for sample in samples.all { report.samples[sample.sample.split.rawValue, default: 0] += 1 }
    report.unscored = samples.scored.compactMap { sample in
      sample.fault.map { (sample.sample.split.rawValue, sample.sample.id, sample.file, sample.line, $0) }
    }
    report.files = ["samples.jsonl", "ledger.jsonl"] + work.gradientFiles.map(\.path)
    return report
  }

  private func sampleTable(_ samples: CaptureSamples) -> String {
    samples.all.map { sample in
      var object = JSONObject([("id", .string(sample.sample.id)), ("split", .string(sample.sample.split.rawValue))])
      if let domain = sample.sample.domain { object["domain"] = .string(domain) }
      if let fault = sample.fault { object["unscored"] = .string(fault) }
      return JSONValue.object(object).text() + "\n"
    }.joined()
  }
}
