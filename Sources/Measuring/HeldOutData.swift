import Adapters
import Bundles
import Capture
import Datasets
import Diagnostics
import Engine
import Files
import Records
import SystemPackage

/// The origin of a held-out sample.
struct SampleOrigin: Sendable, Equatable {
  let id: String
  let domain: String
  let file: String
  let line: Int

  /// Samples with the same group and domain belong together.
  var group: String?
}

/// A sample with a reference answer.
struct HeldOutSample: Sendable {
  let origin: SampleOrigin
  let encoded: EncodedSample

  /// The question and the reference; nil if the models write no answers.
  let asked: AskedSample?
}

/// A question with choices.
struct HeldOutQuestion: Sendable {
  let origin: SampleOrigin
  /// With each choice as the answer.
  let encoded: [EncodedSample]
  /// The bytes of each choice.
  let bytes: [Int]
  /// The index of the right one.
  let answer: Int
}

/// A sample that is not measured, and why.
struct LeftOutSample: Sendable {
  let origin: SampleOrigin
  let reason: String

  var record: MeasureRecord.LeftOut {
    var record = MeasureRecord.LeftOut()
    (record.id, record.domain, record.file) = (origin.id, origin.domain, origin.file)
    (record.line, record.reason) = (origin.line, reason)
    return record
  }
}

/// One file of samples, and its encoder.
struct HeldOutFile: Sendable {
  let encoder: SampleEncoder
  let samples: [HeldOutSample]
  let questions: [HeldOutQuestion]
}

/// The samples that models are measured on.
struct HeldOutData: Sendable {
  private(set) var files: [HeldOutFile] = []
  private(set) var leftOut: [LeftOutSample] = []

  /// Remarks for the user, none of them an error.
  private(set) var notes: [String] = []

  private let settings: MeasureSettings
  private let base: BaseModel
  private var origins: [String: SampleOrigin] = [:]

  /// - throws: ``Failure`` with file and line: what the readers refuse, a duplicate id, a file in which no
  ///   sample can be measured.
  init(_ settings: MeasureSettings, _ base: BaseModel) throws {
    (self.settings, self.base) = (settings, base)
    if let longest = settings.maximumLength, longest > base.model.shape.maximumLength {
      throw Failure(
        .usage,
        "--max-length is \(longest), and the model takes \(base.model.shape.maximumLength) tokens at the most",
        file: settings.base)
    }
    for (domain, path) in settings.data {
      if let domain { try ClientName.check(domain, of: "domain", kind: .usage) }
      let isOfChoices = try ChoiceDataset.isOne(path, limits: settings.limits)
      try locating(file: path) { try isOfChoices ? readQuestions(path, domain) : readSamples(path, domain) }
    }
  }

  private func encoder(_ form: RecordForm, _ path: String) throws -> SampleEncoder {
    let template = try Template.choose(
      settings.template, for: form, in: path, chatTemplate: base.tokenizer?.chatTemplate)
    return SampleEncoder(
      tokenizer: base.tokenizer, template: template, vocabulary: base.model.shape.vocabulary,
      maximumLength: settings.maximumLength)
  }

  private mutating func readSamples(_ path: String, _ domain: String?) throws {
    let dataset = try Dataset(path: path, limits: settings.limits, usesGroups: true)
    notes += dataset.notes
    let encoder = try encoder(dataset.form, path)
    var samples: [HeldOutSample] = []
    var cut = 0
    for record in dataset.records {
      try Interruption.check()
      let origin = try origin(
        record.id, domain ?? record.domain, record.group, line: record.line, isMade: !dataset.hasIds, path)
      let tokenized = try encoder.encode(record)
      let encoded = tokenized.encoded(settings.loss)
      let asked = try settings.answerTokens.map { _ in try encoder.ask(record) }
      if let fault = tokenized.fault([encoded], for: base.facts) ?? asked.flatMap(fault) {
        leftOut.append(LeftOutSample(origin: origin, reason: fault))
        continue
      }
      if tokenized.isCut { cut += 1 }
      samples.append(
        HeldOutSample(origin: origin, encoded: encoded, asked: asked))
    }
    if cut > 0, let longest = settings.maximumLength {
      notes.append("\(path): \(cut) of \(dataset.records.count) samples are cut off at \(longest) tokens")
    }
    try finish(path, of: dataset.records.count, measured: samples.count)
    files.append(HeldOutFile(encoder: encoder, samples: samples, questions: []))
  }

  private mutating func readQuestions(_ path: String, _ domain: String?) throws {
    let dataset = try ChoiceDataset(path: path, limits: settings.limits)
    notes += dataset.notes
    let encoder = try encoder(dataset.form, path)
    var questions: [HeldOutQuestion] = []
    for question in dataset.questions {
      try Interruption.check()
      let origin = try origin(
        question.id, domain ?? question.domain, question.group, line: question.line, isMade: !dataset.hasIds, path)
      let encoded = try question.choices.indices.map { choice in
        try encoder.encode(choice, of: question).encoded(.answer)
      }
      let faults = encoded.map {
        $0.fault(for: base.model.shape.vocabulary, maximumLength: base.model.shape.maximumLength)
      }
      if let choice = faults.firstIndex(where: { $0 != nil }) {
        leftOut.append(LeftOutSample(origin: origin, reason: "with its choice \(choice), \(faults[choice] ?? "")"))
        continue
      }
      questions.append(
        HeldOutQuestion(
          origin: origin, encoded: encoded, bytes: question.choices.map(\.utf8.count), answer: question.answer))
    }
    if (settings.template ?? .plain) == .plain, let line = dataset.questions.first(where: Self.runsTogether)?.line {
      notes.append(
        "\(path): nothing stands between question and choice, as in line \(line): begin choices with a blank, or name the "
          + "model's template with --template")
    }
    try finish(path, of: dataset.questions.count, measured: questions.count)
    files.append(HeldOutFile(encoder: encoder, samples: [], questions: questions))
  }

  /// Whether question and choice run together because the template puts nothing between them.
  private static func runsTogether(_ question: ChoiceQuestion) -> Bool {
    question.contents.contains { content in
      guard case .completion(let prompt, let choice) = content, let end = prompt.unicodeScalars.last,
        let start = choice.unicodeScalars.first
      else { return false }
      return !String.pythonBlanks.contains(end) && !String.pythonBlanks.contains(start)
    }
  }

  /// Notes how many samples of a file are left out, and refuses a file if all are.
  private mutating func finish(_ path: String, of count: Int, measured: Int) throws {
    guard measured < count, let first = leftOut.first(where: { $0.origin.file == path }) else { return }
    guard measured > 0 else {
      throw Failure(
        .badData, "holds no sample that can be measured: \(first.reason)",
        position: .init(line: first.origin.line, column: 1))
    }
    notes.append(
      "\(path): \(count - measured) of \(count) samples are left out, the first in line \(first.origin.line): "
        + first.reason)
  }

  /// The sample with its final name. Generated names are indices, which several files have in common.
  private mutating func origin(
    _ id: String, _ domain: String?, _ group: String?, line: Int, isMade: Bool, _ path: String
  ) throws -> SampleOrigin {
    do {
      let domain = domain ?? (FilePath(path).lastComponent?.stem ?? "data")
      try ClientName.check(domain, of: "domain")
      let origin = SampleOrigin(
        id: isMade ? "\(domain)-\(id)" : id, domain: domain, file: path, line: line, group: group)
      try Sample.check(id: origin.id)
      if let first = origins.updateValue(origin, forKey: origin.id) {
        throw Failure(
          .badData, "has the id '\(origin.id)' of the sample in \(first.file):\(first.line)",
          advice: "give every sample an id of its own")
      }
      return origin
    } catch var failure as Failure {
      failure.position = failure.position ?? .init(line: line, column: 1)
      throw failure
    }
  }

  private func fault(of asked: AskedSample) -> String? {
    if asked.prompt.isEmpty { return "nothing stands before its answer, so there is nothing to go on from" }
    if asked.reference.isEmpty { return TokenizedSample.withoutAnswer }
    let longest = base.model.shape.maximumLength
    return asked.prompt.count < longest
      ? nil : "its question has \(asked.prompt.count) tokens, and the model takes \(longest) with the answer"
  }
}
