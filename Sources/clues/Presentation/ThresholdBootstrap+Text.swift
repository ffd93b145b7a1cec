import Diagnostics
import Foundation
import Scoring

extension ThresholdBootstrap {
  /// The results of the draws, one line per kind; nil if the rule uses nothing that can be resampled.
  func text(_ page: PageLayout, shown: (Double) -> String) -> String? {
    guard !resamplings.isEmpty else { return nil }
    var table = Table(["resampled", "threshold in 9 of 10 draws", "in deviations", "unsure"], numbers: 1..<4)
    for resampling in resamplings {
      guard !resampling.clients.isEmpty else {
        table.add(resampling.name, "too few draws have one", "–", "–")
        continue
      }
      table.add(
        resampling.name, resampling.interval.map { ends($0, shown) } ?? "each client's own",
        resampling.deviations.map { ends($0) { rounded($0) } } ?? "–",
        "\(resampling.unsure) (\(percent(resampling.unsureShare)))")
    }
    return table.text(page)
  }

  /// The row of the present evidence as one line.
  func sentence(shown: (Double) -> String) -> String? {
    guard let present, !present.clients.isEmpty else { return nil }
    let interval = present.interval.map {
      "threshold \(ends($0, shown)) in 9 of 10 draws of the \(present.unit.rawValue); "
    }
    return "\(interval ?? "")\(present.unsure) of \(present.scored) decisions are unsure"
  }
}

private func ends(_ range: ClosedRange<Double>, _ shown: (Double) -> String) -> String {
  let ends = [shown(range.lowerBound), shown(range.upperBound)]
  return ends[0] == ends[1] ? ends[0] : "\(ends[0]) to \(ends[1])"
}

/// A number of deviations, to a hundredth.
private func rounded(_ number: Double) -> String {
  guard number.isFinite else { return short(number) }
  let text = String(format: "%.2f", number)
  return text == "-0.00" ? "0.00" : text
}
