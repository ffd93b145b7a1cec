import Diagnostics
import Foundation
import Measuring

extension MeasureReport {
  /// A table of every kind of figures, each model beside the first.
  func text(_ page: PageLayout = PageLayout()) -> String {
    var texts = tables.flatMap { [$0.text(page)] + [$0.pairText(page)].compactMap { $0 } }
    if !leftOut.isEmpty {
      let samples = leftOut.count == 1 ? "1 sample is" : "\(leftOut.count) samples are"
      texts.append("\(samples) left out for all models; --json and the page say why")
    }
    texts.append(
      wrapped(
        "Intervals of 95 %: \(draws) draws of the samples, the same for all models (seed \(seed))."
          + (tables.contains { $0.kind == .losses }
            ? " Losses are in nats over \(lossOver == "all" ? "all tokens" : "the answers"): the lower, the better."
            : ""),
        to: page.columns))
    return texts.joined(separator: "\n\n")
  }
}

extension MeasureTable {
  fileprivate func text(_ page: PageLayout) -> String {
    let against = parts.first?.differences.first?.against
    let hasDomains = parts.count > 1
    var header = [kind.heading] + (hasDomains ? ["samples of", "number"] : ["number"])
    header += (kind.columns.map(\.name)) + kind.besides.map(\.name)
    if let against { header += ["\(kind.compared.name) minus \(against)", "95 %"] }
    var table = Table(header, numbers: (hasDomains ? 2 : 1)..<header.count)
    for part in parts {
      for model in part.models {
        let difference = part.differences.first { $0.model == model.name && $0.against == against }?.estimates[
          kind.compared.place]
        var row = [model.name]
        if hasDomains { row.append(part.domain ?? "all") }
        row.append("\(part.samples)")
        for column in kind.columns { row.append(text(model.estimates[column.place].value)) }
        for besides in kind.besides {
          let value = model.more.first { $0.name == besides.key }?.value
          row.append(value.map { shown(besides, $0) } ?? "–")
        }
        if against != nil { row += [difference.map { signed($0.value) } ?? "", difference.map(interval) ?? ""] }
        table.add(row)
      }
    }
    return table.text(page)
  }

  /// All other pairs of models over all samples; nil where there are none.
  fileprivate func pairText(_ page: PageLayout) -> String? {
    guard let part = parts.last, let first = part.models.first?.name else { return nil }
    let pairs = part.differences.filter { $0.against != first }
    guard !pairs.isEmpty else { return nil }
    var table = Table(
      ["pairs", "minus", kind.compared.name, "95 %"], numbers: 2..<4)
    for pair in pairs.prefix(Self.mostPairs) {
      let estimate = pair.estimates[kind.compared.place]
      table.add(pair.model, pair.against, signed(estimate.value), interval(estimate))
    }
    let more = pairs.count > Self.mostPairs ? "\n\(pairs.count - Self.mostPairs) more pairs are in --json" : ""
    return table.text(page) + more
  }

  private static let mostPairs = 15

  private func text(_ value: Double) -> String { value.isFinite ? String(format: "%.\(kind.decimals)f", value) : "–" }

  private func signed(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let text = String(format: "%+.\(kind.decimals)f", value)
    return text.contains { ("1"..."9").contains($0) } ? text : String(text.dropFirst())
  }

  private func interval(_ estimate: Estimate) -> String {
    estimate.low.isFinite && estimate.high.isFinite ? "\(signed(estimate.low)) to \(signed(estimate.high))" : "–"
  }

  private func shown(_ besides: (key: String, name: String), _ value: Double) -> String {
    besides.key == "perplexity" ? short(value) : "\(Int(value))"
  }
}

extension MeasureTable.Kind {
  fileprivate var heading: String {
    switch self {
    case .losses: "loss"
    case .choices: "right choices"
    case .answers: "answers"
    case .marks: "marks"
    }
  }

  /// The columns, and the places of their figures.
  fileprivate var columns: [(name: String, place: Int)] {
    switch self {
    case .losses: [("per token", 0), ("per sample", 1)]
    case .choices: [("sum", 0), ("per token", 1), ("per byte", 2)]
    case .answers: [("exact", 0), ("F1", 1), ("ROUGE-L", 2), ("chrF", 3)]
    case .marks: [("mean", 0)]
    }
  }

  fileprivate var besides: [(key: String, name: String)] {
    switch self {
    case .losses: [("perplexity", "perplexity")]
    case .choices: []
    case .answers: [("cut_off", "cut off")]
    case .marks: [("marked", "marked")]
    }
  }

  /// The column that models are compared by.
  fileprivate var compared: (name: String, place: Int) { columns[self == .answers ? 2 : 0] }

  fileprivate var decimals: Int {
    switch self {
    case .losses: 4
    case .choices, .answers: 3
    case .marks: 2
    }
  }
}
