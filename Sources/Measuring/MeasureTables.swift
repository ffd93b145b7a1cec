import Diagnostics
import Glibc
import Records

/// The common input of all tables.
struct MeasureTables {
  let models: [String]
  let bootstrap: PairedBootstrap
  let observer: any Observer

  /// - parameter marks: By model and sample; nil if there are none.
  func all(
    _ samples: [MeasuredSample], _ questions: [MeasuredQuestion], marks: [[Double?]]?
  ) throws -> [MeasureRecord.Kind: [MeasureRecord.Part]] {
    let isAsked = samples.contains { !$0.answers.isEmpty }
    let count = [!samples.isEmpty, !questions.isEmpty, isAsked, marks != nil].count { $0 }
    observer.begin(.drawing, total: count * bootstrap.draws)
    defer { observer.end(.drawing) }
    var tables: [MeasureRecord.Kind: [MeasureRecord.Part]] = [:]
    if !samples.isEmpty { tables[.losses] = try losses(samples) }
    if !questions.isEmpty { tables[.choices] = try choices(questions) }
    if isAsked { tables[.answers] = try answers(samples) }
    if let marks { tables[.marks] = try self.marks(marks, samples) }
    return tables
  }

  /// The domains and their pieces, in order of appearance.
  private func domains(_ origins: [SampleOrigin]) -> [SampleDomain] {
    SampleDomain.all(origins.map { ($0.domain, $0.group) })
  }

  private func byModel<Value>(_ value: (Int) -> [Value]) -> [[Value]] { models.indices.map(value) }

  /// - parameters:
  ///   - counts: The number of reported samples among given indices.
  ///   - tokens: The same for labels.
  ///   - own: An estimate that replaces the one from the draws.
  ///   - plain: Figures of a model without intervals.
  private func parts(
    _ scores: [Score], _ domains: [SampleDomain], counts: ([Int]) -> Int = { $0.count },
    tokens: ([Int]) -> Int? = { _ in nil }, own: ([Int], Int, Int) -> Estimate? = { _, _, _ in nil },
    plain: ([Int], Int) -> [MeasureRecord.PlainFigureName: Double] = { _, _ in [:] }
  ) throws -> [MeasureRecord.Part] {
    let observer = observer
    let sums = try bootstrap.sums(of: scores, domains: domains) { observer.advance(.drawing, by: 1) }
    func figures(_ estimate: (Int) -> Estimate) -> [MeasureRecord.FigureName: MeasureRecord.Figure] {
      scores.indices.reduce(into: [:]) { $0[scores[$1].name] = MeasureRecord.Figure(estimate($1)) }
    }
    func part(_ name: String?, _ chosen: [Int]) -> MeasureRecord.Part {
      let places = chosen.flatMap { domains[$0].places }
      var part = MeasureRecord.Part()
      (part.domain, part.samples, part.tokens) = (name, counts(places), tokens(places))
      for (model, name) in models.enumerated() {
        var row = MeasureRecord.Row()
        row.name = name
        row.figures = figures { own(places, $0, model) ?? sums.value(chosen, score: $0, model: model) }
        row.plain = plain(places, model)
        part.models.append(row)
        for other in 0..<model {
          var difference = MeasureRecord.Difference()
          (difference.model, difference.against) = (name, models[other])
          difference.figures = figures { sums.difference(chosen, score: $0, model: model, against: other) }
          part.differences.append(difference)
        }
      }
      return part
    }
    return domains.indices.map { part(domains[$0].name, [$0]) }
      + (domains.count > 1 ? [part(nil, Array(domains.indices))] : [])
  }

  private func losses(_ samples: [MeasuredSample]) throws -> [MeasureRecord.Part] {
    let perToken = Score(
      name: .perToken, numerators: byModel { model in samples.map { $0.losses[model] * Double($0.tokens) } },
      denominators: byModel { _ in samples.map { Double($0.tokens) } })
    let perSample = Score.mean(.perSample, byModel { model in samples.map { $0.losses[model] } })
    return try parts(
      [perToken, perSample], domains(samples.map(\.sample.origin)),
      tokens: { places in places.reduce(0) { $0 + samples[$1].tokens } },
      plain: { places, model in
        let (sum, tokens) = places.reduce((0.0, 0.0)) { sums, place in
          let tokens = Double(samples[place].tokens)
          return (sums.0 + samples[place].losses[model] * tokens, sums.1 + tokens)
        }
        return [.perplexity: exp(sum / tokens)]
      })
  }

  private func choices(_ questions: [MeasuredQuestion]) throws -> [MeasureRecord.Part] {
    func isRight(_ question: MeasuredQuestion, _ model: Int, _ score: Int) -> Bool {
      question.isRight(model, by: ChoiceMeasure.allCases[score])
    }
    let scores = ChoiceMeasure.allCases.enumerated().map { score, measure in
      Score.mean(measure.figure, byModel { model in questions.map { isRight($0, model, score) ? 1 : 0 } })
    }
    let domains = domains(questions.map(\.question.origin))
    // Wilson's interval is for independent questions.
    let isGrouped = domains.contains { $0.pieces.contains { $0.count > 1 } }
    return try parts(
      scores, domains,
      own: { places, score, model in
        isGrouped ? nil : .share(places.count { isRight(questions[$0], model, score) }, of: places.count)
      })
  }

  private func answers(_ samples: [MeasuredSample]) throws -> [MeasureRecord.Part] {
    func score(_ name: MeasureRecord.FigureName, _ value: (AnswerFigures) -> Double) -> Score {
      .mean(name, byModel { model in samples.map { value($0.answers[model].figures) } })
    }
    let scores = [
      score(.exactMatch) { $0.exactMatch ? 1 : 0 }, score(.f1) { $0.f1 }, score(.rougeL) { $0.rougeL },
      score(.chrF) { $0.characters.score },
    ]
    return try parts(
      scores, domains(samples.map(\.sample.origin)),
      plain: { places, model in
        let answers = places.map { samples[$0].answers[model] }
        return [
          .corpusChrF: answers.reduce(.none) { $0 + $1.figures.characters }.score,
          .cutOff: Double(answers.count { $0.end != .stopped }),
          .empty: Double(answers.count { $0.text.isEmpty }),
        ]
      })
  }

  private func marks(_ marks: [[Double?]], _ samples: [MeasuredSample]) throws -> [MeasureRecord.Part] {
    let score = Score(
      name: .mark, numerators: marks.map { $0.map { $0 ?? 0 } },
      denominators: marks.map { $0.map { $0 == nil ? 0 : 1 } })
    func isMarked(_ place: Int) -> Bool { marks.contains { $0[place] != nil } }
    // Domains without marks have no mean.
    let marked = domains(samples.map(\.sample.origin)).filter { $0.places.contains(where: isMarked) }
    return try parts(
      [score], marked, counts: { places in places.count(where: isMarked) },
      plain: { places, model in [.marked: Double(places.count { marks[model][$0] != nil })] })
  }
}

extension MeasureRecord.Figure {
  init(_ estimate: Estimate) {
    self.init()
    value = estimate.value.isFinite ? estimate.value : nil
    if estimate.low.isFinite, estimate.high.isFinite { interval = estimate.low...estimate.high }
  }
}
