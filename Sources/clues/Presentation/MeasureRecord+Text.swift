import Diagnostics
import Foundation
import Records

extension MeasureRecord {
  /// A table of every kind of figures, each model beside the first.
  func text(_ page: PageLayout = PageLayout()) -> String {
    var texts = tables.flatMap { [$0.text($1, page)] + [$0.pairText($1, page)].compactMap { $0 } }
    if !leftOut.isEmpty {
      let samples = leftOut.count == 1 ? "1 sample is" : "\(leftOut.count) samples are"
      texts.append("\(samples) left out for all models; --json and the page say why")
    }
    texts.append(
      wrapped(
        "Intervals of 95 %: \(bootstrap.draws) draws of the samples, the same for all models (seed \(bootstrap.seed))."
          + (parts[.losses] != nil
            ? " Losses are in nats over \(lossOver == "all" ? "all tokens" : "the answers"): the lower, the better."
            : ""),
        to: page.columns))
    return texts.joined(separator: "\n\n")
  }
}

extension MeasureRecord.Kind {
  fileprivate func text(_ parts: [MeasureRecord.Part], _ page: PageLayout) -> String {
    let against = parts.first?.differences.first?.against
    let hasDomains = parts.count > 1
    var header = [heading] + (hasDomains ? ["samples of", "number"] : ["number"])
    header += columns.map(\.title) + plainColumns.map(\.title)
    if let against { header += ["\(compared.title) minus \(against)", "95 %"] }
    var table = Table(header, numbers: (hasDomains ? 2 : 1)..<header.count)
    for part in parts {
      for model in part.models {
        var row = [model.name]
        if hasDomains { row.append(part.domain ?? "all") }
        row.append("\(part.samples)")
        row += columns.map { text(model.figures[$0.figure]?.value) }
        row += plainColumns.map { column in model.plain[column.figure].map { shown(column.figure, $0) } ?? "–" }
        if let against {
          let difference = part.differences.first { $0.model == model.name && $0.against == against }
          row += difference.map { comparison($0) } ?? ["", ""]
        }
        table.add(row)
      }
    }
    return table.text(page)
  }

  /// All other pairs of models over all samples; nil where there are none.
  fileprivate func pairText(_ parts: [MeasureRecord.Part], _ page: PageLayout) -> String? {
    guard let part = parts.last, let first = part.models.first?.name else { return nil }
    let pairs = part.differences.filter { $0.against != first }
    guard !pairs.isEmpty else { return nil }
    var table = Table(
      ["pairs", "minus", compared.title, "95 %"], numbers: 2..<4)
    for pair in pairs.prefix(Self.mostPairs) { table.add([pair.model, pair.against] + comparison(pair)) }
    let more = pairs.count > Self.mostPairs ? "\n\(pairs.count - Self.mostPairs) more pairs are in --json" : ""
    return table.text(page) + more
  }

  private static let mostPairs = 15

  /// The compared figure and its interval.
  private func comparison(_ difference: MeasureRecord.Difference) -> [String] {
    let figure = difference.figures[compared.figure]
    return [
      signed(figure?.value), figure?.interval.map { "\(signed($0.lowerBound)) to \(signed($0.upperBound))" } ?? "–",
    ]
  }

  private func text(_ value: Double?) -> String { value.map { String(format: "%.\(decimals)f", $0) } ?? "–" }

  private func signed(_ value: Double?) -> String {
    guard let value else { return "–" }
    let text = String(format: "%+.\(decimals)f", value)
    return text.contains { ("1"..."9").contains($0) } ? text : String(text.dropFirst())
  }

  private func shown(_ figure: MeasureRecord.PlainFigureName, _ value: Double) -> String {
    figure == .perplexity ? short(value) : "\(Int(value))"
  }

  private var heading: String {
    switch self {
    case .losses: "loss"
    case .choices: "right choices"
    case .answers: "answers"
    case .marks: "marks"
    }
  }

  private var columns: [(figure: MeasureRecord.FigureName, title: String)] {
    switch self {
    case .losses: [(.perToken, "per token"), (.perSample, "per sample")]
    case .choices: [(.sum, "sum"), (.perToken, "per token"), (.perByte, "per byte")]
    case .answers: [(.exactMatch, "exact"), (.f1, "F1"), (.rougeL, "ROUGE-L"), (.chrF, "chrF")]
    case .marks: [(.mark, "mean")]
    }
  }

  private var plainColumns: [(figure: MeasureRecord.PlainFigureName, title: String)] {
    switch self {
    case .losses: [(.perplexity, "perplexity")]
    case .choices: []
    case .answers: [(.cutOff, "cut off")]
    case .marks: [(.marked, "marked")]
    }
  }

  /// The column that models are compared by.
  private var compared: (figure: MeasureRecord.FigureName, title: String) { columns[self == .answers ? 2 : 0] }

  private var decimals: Int {
    switch self {
    case .losses: 4
    case .choices, .answers: 3
    case .marks: 2
    }
  }
}
