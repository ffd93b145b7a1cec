import Records

/// The results of models on held-out samples: one self-contained HTML file without scripts.
package struct MeasurePage: Sendable {
  /// The page.
  package let html: String

  package init(_ record: MeasureRecord) {
    let sections =
      [measureOverview(record)] + record.tables.map { figuresSection($0, $1, record) }
      + [examplesSection(record), leftOutSection(record)].compactMap { $0 }
    html = page("\(counted(record.models.count, "model")) on held-out samples", version: record.version, sections)
  }
}

private func measureOverview(_ record: MeasureRecord) -> Section {
  Section("overview", "What was measured") {
    element("dl", ["class": "figures"]) {
      for (name, value) in keyFigures(record) {
        element("div") {
          element("dt") { name }
          element("dd") { value }
        }
      }
    }
    for note in record.notes {
      element("p", ["class": "note"]) {
        element("strong") { "Note" }
        " \(note)"
      }
    }
    DataTable(
      caption: "Models", headings: ["model", "from", "checkpoint"],
      rows: record.models.map { [.text($0.name), .text($0.path), $0.step.map { .whole($0) } ?? .none] }
    ).markup
    element("dl", ["class": "facts"]) {
      for (name, value) in facts(record) {
        element("dt") { name }
        element("dd") { value }
      }
    }
  }
}

private func keyFigures(_ record: MeasureRecord) -> [(String, String)] {
  let counts = record.tables.compactMap { table -> (String, String)? in
    let nouns: [MeasureRecord.Kind: String] = [.losses: "samples", .choices: "questions with choices"]
    guard let noun = nouns[table.kind], let part = table.parts.last else { return nil }
    return (noun, whole(part.samples))
  }
  return [("models", whole(record.models.count))] + counts
    + (record.leftOut.isEmpty ? [] : [("left out", whole(record.leftOut.count))])
}

private func facts(_ record: MeasureRecord) -> [(String, String)] {
  [
    ("Base model", record.base), ("Samples", record.data.joined(separator: ", ")),
    ("Losses", record.lossOver == "all" ? "over all tokens" : "over the answers"),
    (
      "Intervals",
      "95 %, from \(whole(record.bootstrap.draws)) draws of the samples (seed \(record.bootstrap.seed)); shares of right choices: Wilson's"
    ),
  ] + (record.answerTokens.map { [("Answers", "the likeliest word each time, \(whole($0)) tokens at the most")] } ?? [])
}

extension MeasureRecord.Part {
  fileprivate var name: String { domain ?? "all" }
}

extension MeasureRecord.Kind {
  /// The figures in columns, the drawn one first.
  fileprivate var columns: [(figure: MeasureRecord.FigureName, title: String)] {
    switch self {
    case .losses: [(.perToken, "loss per token"), (.perSample, "loss per sample")]
    case .choices:
      [(.sum, "right by the sum"), (.perToken, "right by the mean per token"), (.perByte, "right per byte")]
    case .answers: [(.rougeL, "ROUGE-L"), (.exactMatch, "exact match"), (.f1, "F1"), (.chrF, "chrF")]
    case .marks: [(.mark, "mean mark")]
    }
  }

  fileprivate var plainColumns: [(figure: MeasureRecord.PlainFigureName, title: String)] {
    switch self {
    case .losses: [(.perplexity, "perplexity")]
    case .choices: []
    case .answers: [(.corpusChrF, "chrF of all"), (.cutOff, "cut off"), (.empty, "empty")]
    case .marks: [(.marked, "marked")]
    }
  }

  fileprivate var heading: String {
    switch self {
    case .losses: "Loss"
    case .choices: "Choices"
    case .answers: "Answers"
    case .marks: "Marks"
    }
  }

  fileprivate var explanation: String {
    switch self {
    case .losses:
      "The mean cross-entropy in nats of the answers that are due: the lower, the better. Per token every token counts alike, "
        + "per sample every sample. Perplexity is e to the loss per token."
    case .choices:
      "The share of questions whose right answer the model finds the likeliest: by the sum of the logarithms of its tokens' "
        + "probabilities, or by their mean over tokens or bytes."
    case .answers:
      "How near the answers that the models wrote are to those that are due, from 0 to 1: SQuAD's exact match and F1, ROUGE-L, "
        + "and chrF as means over samples; chrF of all counts n-grams over all of them."
    case .marks: "The mean of the marks that somebody gave to the answers."
    }
  }
}

private func figuresSection(
  _ kind: MeasureRecord.Kind, _ parts: [MeasureRecord.Part], _ record: MeasureRecord
) -> Section {
  let (first, base) = (kind.columns[0], record.models[0].name)
  return Section(kind.rawValue, kind.heading) {
    paragraph(kind.explanation, class: "soft")
    figure(
      Intervals(
        title: "\(first.title) by domain", description: "A dot for each model, with its interval of 95 %.",
        axisTitle: first.title,
        groups: parts.map { part in (part.name, rows(part.models.map { ($0.name, $0.figures[first.figure]) })) },
        hasZero: false
      ).markup, valueTable(kind, parts))
    if parts.contains(where: { !$0.differences.isEmpty }) {
      element("h3") { "How far the models are apart" }
      paragraph(
        "Over the same samples, so that hard ones count for both sides: an interval that does not reach zero tells them apart. "
          + "The drawing shows each model against the first; the table has all pairs.", class: "soft")
      figure(
        Intervals(
          title: "Difference in \(first.title) from \(base)",
          description: "A dot for each model but the first, with the interval of the difference; a line at zero.",
          axisTitle: "difference from \(elided(base, to: 26))",
          groups: parts.map { part in
            let differences = part.differences.filter { $0.against == base }
            return (part.name, rows(differences.map { ($0.model, $0.figures[first.figure]) }))
          }, hasZero: true
        ).markup, differenceTable(kind, parts))
    }
  }
}

private func rows(_ figures: [(name: String, figure: MeasureRecord.Figure?)]) -> [Intervals.Row] {
  figures.compactMap { name, figure in
    figure?.value.map { Intervals.Row(name: name, value: $0, interval: figure?.interval) }
  }
}

private typealias Figures = [MeasureRecord.FigureName: MeasureRecord.Figure]

private func cells(_ figures: Figures, _ kind: MeasureRecord.Kind, _ style: NumberStyle) -> [Cell] {
  kind.columns.flatMap { column -> [Cell] in
    let figure = figures[column.figure]
    return [
      figure?.value.map { .number($0, style) } ?? .none,
      figure?.interval.map { .number($0.lowerBound, style) } ?? .none,
      figure?.interval.map { .number($0.upperBound, style) } ?? .none,
    ]
  }
}

private func valueTable(_ kind: MeasureRecord.Kind, _ parts: [MeasureRecord.Part]) -> DataTable {
  let style = NumberStyle(parts.flatMap { $0.models.flatMap { $0.figures.values.compactMap(\.value) } })
  let plainStyles = kind.plainColumns.map { column in
    NumberStyle(parts.flatMap { $0.models.compactMap { $0.plain[column.figure] } })
  }
  return DataTable(
    caption: "\(kind.heading) by model",
    headings: ["model", "samples of", "number"] + kind.columns.flatMap { [$0.title, "from", "to"] }
      + kind.plainColumns.map(\.title),
    rows: parts.flatMap { part in
      part.models.map { model -> [Cell] in
        let plain = zip(kind.plainColumns, plainStyles).map { column, style -> Cell in
          guard let value = model.plain[column.figure], value.isFinite else { return .none }
          return Int(exactly: value).map { .whole($0) } ?? .number(value, style)
        }
        return [.text(model.name), .text(part.name), .whole(part.samples)] + cells(model.figures, kind, style) + plain
      }
    })
}

private func differenceTable(_ kind: MeasureRecord.Kind, _ parts: [MeasureRecord.Part]) -> DataTable {
  let style = NumberStyle(parts.flatMap { $0.differences.flatMap { $0.figures.values.compactMap(\.value) } })
  return DataTable(
    caption: "Differences in \(kind.heading.lowercased())",
    headings: ["model", "minus", "samples of"] + kind.columns.flatMap { [$0.title, "from", "to"] },
    rows: parts.flatMap { part in
      part.differences.map { difference -> [Cell] in
        [.text(difference.model), .text(difference.against), .text(part.name)]
          + cells(difference.figures, kind, style)
      }
    })
}

private func examplesSection(_ record: MeasureRecord) -> Section? {
  guard !record.examples.isEmpty else { return nil }
  return Section("examples", "Sample answers") {
    paragraph("The first samples of each domain as the models got them, and what each wrote.", class: "soft")
    for example in record.examples {
      element("h3") { name("\(example.domain): \(example.id)") }
      element("pre") { element("code") { Markup(lines: example.prompt) } }
      DataTable(
        caption: "Answers to \(example.id)", headings: ["model", "answer"],
        rows: [[.text("due"), .text(example.reference)]]
          + example.answers.map {
            [.text($0.key), .text($0.value.text + ($0.value.end == "stopped" ? "" : " … (cut off)"))]
          }
      ).markup
    }
  }
}

private func leftOutSection(_ record: MeasureRecord) -> Section? {
  guard !record.leftOut.isEmpty else { return nil }
  let most = 200
  return Section("left-out", "Samples that are left out") {
    paragraph("They are measured for no model, so that all figures are over the same samples.", class: "soft")
    if record.leftOut.count > most { paragraph("The first \(most) of \(whole(record.leftOut.count)).") }
    DataTable(
      caption: "Left out", headings: ["sample", "file", "line", "why"],
      rows: record.leftOut.prefix(most).map { [.text($0.id), .text($0.file), .whole($0.line), .text($0.reason)] }
    ).markup
  }
}
