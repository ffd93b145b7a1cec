import Adapters
import Bundles
import Diagnostics
import Files
import PluginHost
import SystemPackage
import Tensors

/// One client's evidence for scoring: its samples, and what is known about them at every checkpoint.
package struct ClientEvidence: Sendable {
  package let client: String
  package let bundle: Bundles.Bundle
  /// Training samples first, then anchors.
  package let samples: [ScoredSample]
  /// The validation domains, by name.
  package let domains: [String]
  package let checkpoints: [CheckpointEvidence]
  package let notes: [Note]

  /// The index of the client's own domain in `domains`.
  var ownDomain: Int? { bundle.domain.flatMap { domains.firstIndex(of: $0) } }

  /// One sample to score.
  package struct ScoredSample: Sendable, Hashable {
    package let id: String
    package let split: PluginHost.Split
    package let domain: String?
  }

  /// The files of a bundle that contain evidence.
  ///
  /// Gradients in folders are not read up front but during scoring.
  package static func parts(for path: String) -> Set<Part> {
    let parts: Set<Part> = [.adapter, .adapters, .trainerStates, .optimizers, .samples, .ledger]
    return FilePath(path).isFolder ? parts : parts.union([.gradients])
  }

  package init(of client: String, _ bundle: Bundles.Bundle) throws {
    self.client = client
    self.bundle = bundle
    try bundle.refuseMisplaced([.ledger, .samples, .gradients, .optimizers])
    let ledger = try bundle.readLedger()
    let table = try bundle.samples.map { file in
      try locating(file: file.name) { try SampleTable(file.bytes(), limits: file.limits) }
    }
    var notes = (ledger?.notes ?? []).map { Note.warning("\(client): \($0)") }
    let gradients = try bundle.checkpoints.map { checkpoint in
      try checkpoint.gradients.train.map { _ in try checkpoint.adapter.adapter() }.flatMap { adapter in
        try GradientEvidence(checkpoint, adapter: adapter)
      }
    }
    samples = try Self.samples(of: client, bundle.domain, ledger, table, gradients.compactMap { $0 }.first)
    for evidence in gradients.compactMap({ $0 }) { try Self.check(evidence, samples) }
    domains = Self.domains(ledger, gradients)
    let places = ledger.map { ledger in
      Dictionary(uniqueKeysWithValues: ledger.samples.enumerated().map { (SampleKey($1), $0) })
    }
    let samples = samples
    let steps = Set(bundle.checkpoints.map(\.step)).union(ledger?.checkpoints.map(\.step) ?? []).sorted()
    checkpoints = try steps.compactMap { step -> CheckpointEvidence? in
      let place = bundle.checkpoints.firstIndex { $0.step == step }
      let evidence = try CheckpointEvidence(
        step: step, client: client, samples: samples,
        files: place.map { bundle.checkpoints[$0] }, gradients: place.flatMap { gradients[$0] },
        ledger: ledger?.checkpoints.first { $0.step == step }, places: places)
      return evidence
    }
    for note in checkpoints.compactMap(\.learningRateNote) { notes.append(.info("\(client): \(note)")) }
    self.notes = notes
  }

  /// The samples of the ledger, or those of the gradient files with their ids from samples.jsonl.
  private static func samples(
    of client: String, _ domain: String?, _ ledger: Ledger?, _ table: SampleTable?, _ gradients: GradientEvidence?
  ) throws -> [ScoredSample] {
    guard let gradients else {
      let samples = (ledger?.samples ?? []).compactMap { sample in
        PluginHost.Split(sample.split).map { ScoredSample(id: sample.id, split: $0, domain: sample.domain) }
      }
      return samples.filter { $0.split == .train } + samples.filter { $0.split == .anchor }
    }
    return try gradients.scored.flatMap { rows -> [ScoredSample] in
      guard let table else {
        return (0..<rows.count).map {
          ScoredSample(id: "\(rows.split.name)-\($0)", split: rows.split, domain: domain)
        }
      }
      let named = table.samples.filter { PluginHost.Split($0.split) == rows.split }
      guard named.count == rows.count else {
        throw Failure(
          .badData,
          "has \(rows.count) samples, but samples.jsonl has \(named.count) in the split '\(rows.split.name)'",
          advice: "both must come from the same data, in the same order", client: client, file: rows.file)
      }
      return named.map { ScoredSample(id: $0.id, split: rows.split, domain: $0.domain) }
    }
  }

  /// Checks that a checkpoint's gradients are those of the same samples.
  private static func check(_ gradients: GradientEvidence, _ samples: [ScoredSample]) throws {
    for split in [PluginHost.Split.train, .anchor] {
      let rows = gradients.scored.first { $0.split == split }
      let due = samples.count { $0.split == split }
      guard rows?.count ?? 0 == due else {
        throw Failure(
          .badData, "there are \(rows?.count ?? 0) gradients of the split '\(split.name)' instead of \(due)",
          advice: "every checkpoint needs the gradients of the same samples, in the same order",
          file: rows?.file ?? gradients.scored.first?.file)
      }
    }
  }

  private static func domains(_ ledger: Ledger?, _ gradients: [GradientEvidence?]) -> [String] {
    let measured = (ledger?.columnNames ?? []).compactMap { name -> String? in
      guard let point = name.firstIndex(of: ".") else { return nil }
      return String(name[name.index(after: point)...])
    }
    return Set(measured + gradients.flatMap { $0?.validation.keys.map { $0 } ?? [] }).sorted()
  }
}

/// What identifies a sample within its client.
package struct SampleKey: Hashable {
  package let id: String
  package let split: PluginHost.Split?

  package init(_ sample: Sample) {
    id = sample.id
    split = PluginHost.Split(sample.split)
  }

  package init(_ sample: ClientEvidence.ScoredSample) {
    id = sample.id
    split = sample.split
  }
}

extension PluginHost.Split {
  /// The split of a scored sample; validation samples are targets and not scored.
  package init?(_ split: Adapters.Split) {
    switch split {
    case .train: self = .train
    case .anchor: self = .anchor
    case .validation: return nil
    }
  }
}
