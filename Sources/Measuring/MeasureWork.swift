import Capture
import Datasets
import Diagnostics
import Engine
import Threads

/// Runs every model on the samples.
struct MeasureWork {
  let settings: MeasureSettings
  let observer: any Observer
  let interruption: @Sendable () throws -> Void
  let base: BaseModel
  let subjects: [Subject]

  private(set) var samples: [MeasuredSample] = []
  private(set) var questions: [MeasuredQuestion] = []

  /// Samples for which some model has no finite number; no model is measured on them.
  private(set) var leftOut: [LeftOutSample] = []

  init(
    settings: MeasureSettings, observer: any Observer, interruption: @escaping @Sendable () throws -> Void,
    base: BaseModel, subjects: [Subject]
  ) {
    (self.settings, self.observer, self.interruption) = (settings, observer, interruption)
    (self.base, self.subjects) = (base, subjects)
  }

  mutating func run(_ data: HeldOutData) throws {
    let count = data.files.reduce(0) { $0 + $1.samples.count + $1.questions.count }
    observer.begin(.measuring, total: subjects.count * count)
    let losses = try data.files.map { try self.losses($0.samples) }
    let likelihoods = try data.files.map { try self.likelihoods($0.questions) }
    observer.end(.measuring)
    let answers = try self.answers(data.files)
    for (place, file) in data.files.enumerated() {
      try take(file.samples, losses[place], answers[place])
      try take(file.questions, likelihoods[place])
    }
    guard !samples.isEmpty || !questions.isEmpty else {
      throw Failure(
        .badData, "there is no sample for which every model has a finite loss: \(leftOut.first?.reason ?? "")",
        advice: "leave the adapter out that has none", file: leftOut.first?.origin.file)
    }
  }

  /// By model and sample.
  private func losses(_ samples: [HeldOutSample]) throws -> [[SampleLoss]] {
    try subjects.map { try watched($0.engine).losses(of: samples.map(\.encoded)) }
  }

  /// By model, question and choice.
  private func likelihoods(_ questions: [HeldOutQuestion]) throws -> [[[SampleLoss]]] {
    try subjects.map { try watched($0.engine).losses(ofBranches: questions.map(\.encoded)) }
  }

  /// The engine, which after every pack reports its samples as done, and checks whether to stop.
  private func watched(_ engine: Engine) -> Engine {
    var engine = engine
    engine.packEnded = { [observer, interruption] samples in
      observer.advance(.measuring, by: samples.count)
      try interruption()
    }
    return engine
  }

  /// By file, model and sample.
  private func answers(_ files: [HeldOutFile]) throws -> [[[WrittenAnswer]]] {
    guard let most = settings.answerTokens else { return files.map { _ in subjects.map { _ in [] } } }
    let configured = try StopTokens.configured(in: settings.base)
    observer.begin(.answering, total: subjects.count * files.reduce(0) { $0 + $1.samples.count })
    defer { observer.end(.answering) }
    let observer = observer
    // Files with the same stop tokens go together, because short ones would not keep the threads busy.
    let stops = files.map { $0.encoder.stops.union(configured) }
    var answers = files.map { _ in subjects.map { _ in [WrittenAnswer]() } }
    for (place, own) in stops.enumerated() where stops.firstIndex(of: own) == place {
      let alike = files.indices.filter { stops[$0] == own }
      let prompts = alike.flatMap { files[$0].samples.compactMap { $0.asked?.prompt } }
      // If there are few questions, models run in parallel instead.
      let isFew = prompts.count < Engine.textsAtOnce * settings.threads
      let written = try inParallel(subjects.count, threads: isFew ? settings.threads : 1) { subject in
        try interruption()
        return try subjects[subject].engine.continuations(
          of: prompts, most: most, stops: own, threads: isFew ? 1 : settings.threads
        ) { observer.advance(.answering, by: 1) }
      }
      for (subject, texts) in written.enumerated() {
        var rest = texts[...]
        for file in alike {
          let count = files[file].samples.count
          answers[file][subject] = zip(rest.prefix(count), files[file].samples).map {
            self.answer($0, to: $1, files[file].encoder)
          }
          rest = rest.dropFirst(count)
        }
      }
    }
    return answers
  }

  private func answer(_ written: Continuation, to sample: HeldOutSample, _ encoder: SampleEncoder) -> WrittenAnswer {
    let answer = encoder.answer(in: base.tokenizer?.decode(written.tokens, keepsSpecials: false) ?? "")
    return WrittenAnswer(
      text: answer, tokens: written.tokens.count, end: written.end,
      figures: AnswerFigures(answer, reference: sample.asked?.reference ?? ""))
  }

  private mutating func take(
    _ all: [HeldOutSample], _ losses: [[SampleLoss]], _ answers: [[WrittenAnswer]]
  ) throws {
    for (place, sample) in all.enumerated() {
      let own = losses.map { $0[place] }
      let written = answers.compactMap { $0.isEmpty ? nil : $0[place] }
      if let model = own.firstIndex(where: { $0.value == nil }) {
        try leave(sample.origin, model, own[model].reason ?? "")
      } else if let model = written.firstIndex(where: { $0.end == .notFinite }) {
        try leave(sample.origin, model, "its numbers are no longer finite after \(written[model].tokens) tokens")
      } else {
        samples.append(
          MeasuredSample(
            sample: sample, losses: own.compactMap(\.value), tokens: own.first?.tokens ?? 0, answers: written))
      }
    }
  }

  private mutating func take(_ all: [HeldOutQuestion], _ losses: [[[SampleLoss]]]) throws {
    for (place, question) in all.enumerated() {
      let own = losses.map { $0[place] }
      if let model = own.firstIndex(where: { $0.contains { $0.value == nil } }) {
        try leave(question.origin, model, own[model].compactMap(\.reason).first ?? "")
        continue
      }
      questions.append(
        MeasuredQuestion(
          question: question, likelihoods: own.map { $0.map { -($0.value ?? .nan) * Double($0.tokens) } },
          tokens: own.first?.map(\.tokens) ?? []))
    }
  }

  private mutating func leave(_ origin: SampleOrigin, _ model: Int, _ reason: String) throws {
    // Only now, since it reads all of the weights. If they are at fault, no sample is.
    if leftOut.isEmpty { try base.model.checkThatMatricesAreFinite() }
    let left = LeftOutSample(origin: origin, reason: "of '\(subjects[model].name)', \(reason)")
    leftOut.append(left)
    observer.note(.warning("\(origin.file):\(origin.line): is left out for all models: \(left.reason)"))
  }
}
