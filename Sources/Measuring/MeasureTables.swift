import Diagnostics
import Glibc

/// The common input of all tables.
struct MeasureTables {
  let models: [String]
  let bootstrap: PairedBootstrap
  let observer: any Observer

  /// - parameter marks: By model and sample; nil if there are none.
  func all(
    _ samples: [MeasuredSample], _ questions: [MeasuredQuestion], marks: [[Double?]]?
  ) throws -> [MeasureTable] {
    let isAsked = samples.contains { !$0.answers.isEmpty }
    let count = [!samples.isEmpty, !questions.isEmpty, isAsked, marks != nil].count { $0 }
    observer.begin(.drawing, total: count * bootstrap.draws)
    defer { observer.end(.drawing) }
    var tables: [MeasureTable] = []
    if !samples.isEmpty { tables.append(try losses(samples)) }
    if !questions.isEmpty { tables.append(try choices(questions)) }
    if isAsked { tables.append(try answers(samples)) }
    if let marks { tables.append(try self.marks(marks, samples)) }
    return tables
  }

  private func drawn() -> @Sendable () -> Void {
    let observer = observer
    return { observer.advance(.drawing, by: 1) }
  }

  /// The domains and their pieces, in order of appearance.
  private func domains(_ origins: [SampleOrigin]) -> [SampleDomain] {
    SampleDomain.all(origins.map { ($0.domain, $0.group) })
  }

  private func byModel<Value>(_ value: (Int) -> [Value]) -> [[Value]] { models.indices.map(value) }

  private func losses(_ samples: [MeasuredSample]) throws -> MeasureTable {
    let perToken = Score(
      name: "per_token", numerators: byModel { model in samples.map { $0.losses[model] * Double($0.tokens) } },
      denominators: byModel { _ in samples.map { Double($0.tokens) } })
    let perSample = Score.mean("per_sample", byModel { model in samples.map { $0.losses[model] } })
    return try MeasureTable(
      .losses, [perToken, perSample], models: models, domains: domains(samples.map(\.sample.origin)), bootstrap,
      drawn: drawn(), tokens: { places in places.reduce(0) { $0 + samples[$1].tokens } },
      more: { places, model in
        let (sum, tokens) = places.reduce((0.0, 0.0)) { sums, place in
          let tokens = Double(samples[place].tokens)
          return (sums.0 + samples[place].losses[model] * tokens, sums.1 + tokens)
        }
        return [("perplexity", exp(sum / tokens))]
      })
  }

  private func choices(_ questions: [MeasuredQuestion]) throws -> MeasureTable {
    func isRight(_ question: MeasuredQuestion, _ model: Int, _ score: Int) -> Bool {
      question.isRight(model, by: ChoiceMeasure.allCases[score])
    }
    let scores = ChoiceMeasure.allCases.enumerated().map { score, measure in
      Score.mean(
        measure.rawValue, byModel { model in questions.map { isRight($0, model, score) ? 1 : 0 } })
    }
    let domains = domains(questions.map(\.question.origin))
    // Wilson's interval is for independent questions.
    let isGrouped = domains.contains { $0.pieces.contains { $0.count > 1 } }
    return try MeasureTable(
      .choices, scores, models: models, domains: domains, bootstrap, drawn: drawn(),
      own: { places, score, model in
        isGrouped ? nil : .share(places.count { isRight(questions[$0], model, score) }, of: places.count)
      })
  }

  private func answers(_ samples: [MeasuredSample]) throws -> MeasureTable {
    func score(_ name: String, _ value: (AnswerFigures) -> Double) -> Score {
      .mean(name, byModel { model in samples.map { value($0.answers[model].figures) } })
    }
    let scores = [
      score("exact_match") { $0.exactMatch ? 1 : 0 }, score("f1") { $0.f1 }, score("rouge_l") { $0.rougeL },
      score("chrf") { $0.characters.score },
    ]
    return try MeasureTable(
      .answers, scores, models: models, domains: domains(samples.map(\.sample.origin)), bootstrap, drawn: drawn(),
      more: { places, model in
        let answers = places.map { samples[$0].answers[model] }
        return [
          ("chrf_corpus", answers.reduce(.none) { $0 + $1.figures.characters }.score),
          ("cut_off", Double(answers.count { $0.end != .stopped })),
          ("empty", Double(answers.count { $0.text.isEmpty })),
        ]
      })
  }

  private func marks(_ marks: [[Double?]], _ samples: [MeasuredSample]) throws -> MeasureTable {
    let score = Score(
      name: "mark", numerators: marks.map { $0.map { $0 ?? 0 } },
      denominators: marks.map { $0.map { $0 == nil ? 0 : 1 } })
    func isMarked(_ place: Int) -> Bool { marks.contains { $0[place] != nil } }
    // Domains without marks have no mean.
    let marked = domains(samples.map(\.sample.origin)).filter { $0.places.contains(where: isMarked) }
    return try MeasureTable(
      .marks, [score], models: models, domains: marked, bootstrap, drawn: drawn(),
      counts: { places in places.count(where: isMarked) },
      more: { places, model in [("marked", Double(places.count { marks[model][$0] != nil }))] })
  }
}
