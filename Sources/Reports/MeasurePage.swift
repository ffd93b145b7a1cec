import Diagnostics
import JSON

/// The results of models on held-out samples: one self-contained HTML file without scripts.
public struct MeasurePage: Sendable {
  /// The page.
  public let html: String

  /// - parameter json: The output of `clues measure --json`, of schema `clues/measure/1`.
  /// - throws: ``Failure`` `badData` if it is something else.
  public init(_ json: JSONValue) throws {
    let file = try MeasureFile(document: json)
    let sections =
      [measureOverview(file)] + file.tables.map { figuresSection($0, file) }
      + [examplesSection(file), leftOutSection(file)].compactMap { $0 }
    html = page("\(counted(file.models.count, "model")) on held-out samples", version: file.version, sections)
  }
}

private func measureOverview(_ file: MeasureFile) -> Section {
  Section("overview", "What was measured") {
    element("dl", ["class": "figures"]) {
      for (name, value) in keyFigures(file) {
        element("div") {
          element("dt") { name }
          element("dd") { value }
        }
      }
    }
    for note in file.notes {
      element("p", ["class": "note"]) {
        element("strong") { "Note" }
        " \(note)"
      }
    }
    DataTable(
      caption: "Models", headings: ["model", "from", "checkpoint"],
      rows: file.models.map { [.text($0.name), .text($0.path), $0.step.map { .whole($0) } ?? .none] }
    ).markup
    element("dl", ["class": "facts"]) {
      for (name, value) in facts(file) {
        element("dt") { name }
        element("dd") { value }
      }
    }
  }
}

private func keyFigures(_ file: MeasureFile) -> [(String, String)] {
  let counts = file.tables.compactMap { table -> (String, String)? in
    let nouns: [MeasuredFigures.Kind: String] = [.losses: "samples", .choices: "questions with choices"]
    guard let noun = nouns[table.kind], let part = table.parts.last else { return nil }
    return (noun, whole(part.samples))
  }
  return [("models", whole(file.models.count))] + counts
    + (file.leftOut.isEmpty ? [] : [("left out", whole(file.leftOut.count))])
}

private func facts(_ file: MeasureFile) -> [(String, String)] {
  [
    ("Base model", file.base), ("Samples", file.data.joined(separator: ", ")),
    ("Losses", file.lossOver == "all" ? "over all tokens" : "over the answers"),
    (
      "Intervals",
      "95 %, from \(whole(file.bootstrap.draws)) draws of the samples (seed \(file.bootstrap.seed)); shares of right choices: Wilson's"
    ),
  ] + (file.answerTokens.map { [("Answers", "the likeliest word each time, \(whole($0)) tokens at the most")] } ?? [])
}

extension MeasuredFigures.Kind {
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

private func figuresSection(_ table: MeasuredFigures, _ file: MeasureFile) -> Section {
  let (kind, first) = (table.kind, table.kind.scores[0])
  return Section(kind.rawValue, kind.heading) {
    paragraph(kind.explanation, class: "soft")
    figure(
      Intervals(
        title: "\(first.name) by domain", description: "A dot for each model, with its interval of 95 %.",
        axisTitle: first.name,
        groups: table.parts.map { part in
          (part.name, rows(part.models.map { ($0.name, $0.figures[first.key]) }))
        }, hasZero: false
      ).markup, valueTable(table))
    if table.parts.contains(where: { !$0.differences.isEmpty }) {
      element("h3") { "How far the models are apart" }
      paragraph(
        "Over the same samples, so that hard ones count for both sides: an interval that does not reach zero tells them apart. "
          + "The drawing shows each model against the first; the table has all pairs.", class: "soft")
      figure(
        Intervals(
          title: "Difference in \(first.name) from \(file.models[0].name)",
          description: "A dot for each model but the first, with the interval of the difference; a line at zero.",
          axisTitle: "difference from \(elided(file.models[0].name, to: 26))",
          groups: table.parts.map { part in
            (
              part.name,
              rows(
                part.differences.filter { $0.against == file.models[0].name }.map { ($0.model, $0.figures[first.key]) })
            )
          }, hasZero: true
        ).markup, differenceTable(table))
    }
  }
}

private func rows(_ figures: [(name: String, figure: MeasuredFigures.Figure?)]) -> [Intervals.Row] {
  figures.compactMap { name, figure in
    figure?.value.map { Intervals.Row(name: name, value: $0, interval: figure?.interval) }
  }
}

private func cells(_ row: MeasuredFigures.Row, _ kind: MeasuredFigures.Kind, _ style: NumberStyle) -> [Cell] {
  kind.scores.flatMap { score -> [Cell] in
    let figure = row.figures[score.key]
    return [
      figure?.value.map { .number($0, style) } ?? .none,
      figure?.interval.map { .number($0.lowerBound, style) } ?? .none,
      figure?.interval.map { .number($0.upperBound, style) } ?? .none,
    ]
  }
}

private func valueTable(_ table: MeasuredFigures) -> DataTable {
  let style = NumberStyle(table.parts.flatMap { $0.models.flatMap { $0.figures.values.compactMap(\.value) } })
  let more = table.kind.more.map { score in
    NumberStyle(table.parts.flatMap { $0.models.compactMap { $0.more[score.key] } })
  }
  return DataTable(
    caption: "\(table.kind.heading) by model",
    headings: ["model", "samples of", "number"] + table.kind.scores.flatMap { [$0.name, "from", "to"] }
      + table.kind.more.map(\.name),
    rows: table.parts.flatMap { part in
      part.models.map { model -> [Cell] in
        let besides = zip(table.kind.more, more).map { score, style -> Cell in
          guard let value = model.more[score.key] else { return .none }
          return Int(exactly: value).map { .whole($0) } ?? .number(value, style)
        }
        return [.text(model.name), .text(part.name), .whole(part.samples)] + cells(model, table.kind, style) + besides
      }
    })
}

private func differenceTable(_ table: MeasuredFigures) -> DataTable {
  let style = NumberStyle(table.parts.flatMap { $0.differences.flatMap { $0.figures.values.compactMap(\.value) } })
  return DataTable(
    caption: "Differences in \(table.kind.heading.lowercased())",
    headings: ["model", "minus", "samples of"] + table.kind.scores.flatMap { [$0.name, "from", "to"] },
    rows: table.parts.flatMap { part in
      part.differences.map { difference -> [Cell] in
        [.text(difference.model), .text(difference.against), .text(part.name)] + cells(difference, table.kind, style)
      }
    })
}

private func examplesSection(_ file: MeasureFile) -> Section? {
  guard !file.examples.isEmpty else { return nil }
  return Section("examples", "Sample answers") {
    paragraph("The first samples of each domain as the models got them, and what each wrote.", class: "soft")
    for example in file.examples {
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

private func leftOutSection(_ file: MeasureFile) -> Section? {
  guard !file.leftOut.isEmpty else { return nil }
  let most = 200
  return Section("left-out", "Samples that are left out") {
    paragraph("They are measured for no model, so that all figures are over the same samples.", class: "soft")
    if file.leftOut.count > most { paragraph("The first \(most) of \(whole(file.leftOut.count)).") }
    DataTable(
      caption: "Left out", headings: ["sample", "file", "line", "why"],
      rows: file.leftOut.prefix(most).map { [.text($0.id), .text($0.file), .whole($0.line), .text($0.reason)] }
    ).markup
  }
}
