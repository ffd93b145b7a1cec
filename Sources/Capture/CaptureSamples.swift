import Adapters
import Bundles
import Datasets
import Diagnostics
import Tokenizers

/// The samples of a capture, read, formatted by their templates, as tokens.
package struct CaptureSamples: Sendable {
  /// Training samples, then anchors: the rows of the ledger.
  package private(set) var scored: [CapturedSample]

  /// The validation samples of each domain, in the order in which the domains were given.
  package let validation: [(domain: String, samples: [CapturedSample])]

  /// Remarks for the user, none of them an error.
  package let notes: [String]

  /// The first samples of each file as tokens, for people to check.
  package let listings: [String]

  var all: [CapturedSample] { scored + validation.flatMap(\.samples) }

  /// - parameters:
  ///   - domain: The client's own domain, for samples without one.
  ///   - shown: The number of samples of each file to list.
  ///   - fate: What happens to samples that cannot be measured, for the notes.
  /// - throws: ``Failure`` with file and line: what ``Dataset`` and ``SampleEncoder`` refuse, an id in two files, a validation
  ///   sample that cannot be measured, no measurable training sample.
  package init(
    _ settings: CaptureSettings, tokenizer: Tokenizer?, _ model: ModelFacts, domain: String?, shown: Int = 0,
    fate: String = "stay unscored"
  ) throws {
    var reading = Reading(settings: settings, tokenizer: tokenizer, model: model, shown: shown, fate: fate)
    if let longest = settings.maximumLength, longest > model.maximumLength {
      throw Failure(
        .usage, "--max-length is \(longest), but the model takes at most \(model.maximumLength) tokens",
        file: settings.base)
    }
    var train = try settings.train.flatMap { try reading.read($0, as: .train, domain: domain) }
    if let keep = settings.keep { train = try KeptIds(keep).kept(of: train) }
    let anchors = try settings.anchor.map { try reading.read($0, as: .anchor, domain: domain) } ?? []
    validation = try settings.validation.map { name, path in
      try ClientName.check(name, of: "domain")
      return (name, try reading.read(path, as: .validation, domain: name))
    }
    guard train.contains(where: { $0.fault == nil }) else {
      throw Failure(
        .badData, "holds no sample that can be measured: \(train[0].fault ?? "")",
        advice: "look at them with --show 3", file: train[0].file, position: .init(line: train[0].line, column: 1))
    }
    for sample in validation.flatMap(\.samples) {
      guard let fault = sample.fault else { continue }
      throw Failure(
        .badData, "has a validation sample that cannot be measured: \(fault)",
        advice: "leave it out: all others are compared with the mean of these", file: sample.file,
        position: .init(line: sample.line, column: 1))
    }
    scored = train + anchors
    notes = reading.notes
    listings = reading.listings
  }

  /// The same with a client's domain for samples without one.
  ///
  /// - throws: ``Failure`` `badData` if it cannot be a name.
  func named(domain: String?) throws -> CaptureSamples {
    guard let domain else { return self }
    try ClientName.check(domain, of: "domain")
    var samples = self
    for place in scored.indices where scored[place].sample.domain == nil {
      let sample = scored[place].sample
      samples.scored[place].sample = Sample(split: sample.split, id: sample.id, domain: domain)
    }
    return samples
  }

  private struct Reading {
    let settings: CaptureSettings
    let tokenizer: Tokenizer?
    let model: ModelFacts
    let shown: Int
    let fate: String
    var notes: [String] = []
    var listings: [String] = []
    private var places: [Split: [String: (file: String, line: Int)]] = [:]

    init(settings: CaptureSettings, tokenizer: Tokenizer?, model: ModelFacts, shown: Int, fate: String) {
      (self.settings, self.tokenizer, self.model) = (settings, tokenizer, model)
      (self.shown, self.fate) = (shown, fate)
    }

    mutating func read(_ path: String, as split: Split, domain: String?) throws -> [CapturedSample] {
      let dataset = try Dataset(path: path, limits: settings.limits)
      let template = try Template.choose(settings.template, for: dataset, chatTemplate: tokenizer?.chatTemplate)
      let encoder = SampleEncoder(
        tokenizer: tokenizer, template: template, vocabulary: model.vocabulary, maximumLength: settings.maximumLength)
      notes += dataset.notes
      var (cut, answersCut) = (0, 0)
      let samples = try locating(file: path) {
        try dataset.records.enumerated().map { place, record in
          try Interruption.check()
          let tokenized = try encoder.encode(record)
          let sample = try name(record, split, domain, isMade: !dataset.hasIds, in: path)
          let captured = CapturedSample(tokenized, as: sample, from: path, settings, model)
          if tokenized.isCut {
            cut += 1
            if captured.fault == nil, tokenized.isAnswerCut { answersCut += 1 }
          }
          if place < shown {
            listings.append(
              SampleListing(tokenized, tokenizer: tokenizer).text(
                name:
                  "\(path):\(record.line) (\(split.rawValue) '\(sample.id)'\(template.map { ", \($0.rawValue)" } ?? ""))",
                learned: settings.loss, measured: settings.lossesOver))
          }
          return captured
        }
      }
      if cut > 0, let longest = settings.maximumLength {
        notes.append(
          "\(path): \(cut) of \(samples.count) samples are cut off at \(longest) tokens, \(answersCut) of them within the answer"
        )
      }
      let faults = samples.filter { $0.fault != nil }
      if let first = faults.first, split != .validation {
        notes.append(
          "\(path): \(faults.count) of \(samples.count) samples \(fate), the first in line \(first.line): "
            + (first.fault ?? ""))
      }
      return samples
    }

    /// The sample with its final name. Generated names are indices, which several validation sets have in common.
    private mutating func name(
      _ record: Record, _ split: Split, _ domain: String?, isMade: Bool, in path: String
    ) throws -> Sample {
      let id = split == .validation && isMade ? "\(domain ?? "")-\(record.id)" : record.id
      do {
        try Sample.check(id: id)
        if let first = places[split]?[id] {
          throw Failure(
            .badData, "has the same id '\(id)' as the \(split.rawValue) sample in \(first.file):\(first.line)",
            advice: "give every sample of a split its own id")
        }
        let own = split == .validation ? domain : record.domain ?? domain
        if let own { try ClientName.check(own, of: "domain") }
        places[split, default: [:]][id] = (path, record.line)
        return Sample(split: split, id: id, domain: own)
      } catch var failure as Failure {
        failure.position = failure.position ?? .init(line: record.line, column: 1)
        throw failure
      }
    }
  }
}
