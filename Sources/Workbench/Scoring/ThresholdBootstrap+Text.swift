import Diagnostics
import Foundation
import JSON

extension ThresholdBootstrap {
  /// What the draws say, one line a kind; nil where the rule looks at nothing that can be drawn anew.
  func text(_ page: PageLayout, shown: (Double) -> String) -> String? {
    guard !resamplings.isEmpty else { return nil }
    var table = Table(["drawn anew", "threshold in 9 of 10 draws", "in deviations", "unsure"], numbers: 1..<4)
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

  /// The same of what is there in a line.
  func sentence(shown: (Double) -> String) -> String? {
    guard let present, !present.clients.isEmpty else { return nil }
    let interval = present.interval.map {
      "threshold \(ends($0, shown)) in 9 of 10 draws of the \(present.unit.rawValue); "
    }
    return "\(interval ?? "")\(present.unsure) of \(present.scored) decisions are unsure"
  }

  /// What to know of a threshold that is unsure.
  var note: Note? {
    guard let present, !present.clients.isEmpty, 4 * present.unsure > present.scored else { return nil }
    let more = resamplings.first { $0.unit == present.unit && $0.more > 0 && !$0.clients.isEmpty }
    let advice = more.map { "; \($0.more) more anchors of each client would leave \($0.unsure)" }
    return .warning(
      "the threshold is uncertain: with other \(present.unit.rawValue) of the same kind \(present.unsure) of "
        + "\(present.scored) samples may be decided otherwise\(advice ?? "")")
  }

  var json: JSONValue {
    [
      "draws": JSONValue(draws), "seed": JSONValue(Int(clamping: seed)),
      "interval": [.number(Self.intervalEnds.0), .number(Self.intervalEnds.1)],
      "steady_share": .number(Self.steadyShare),
      "resamplings": .array(
        resamplings.map { resampling in
          [
            "drawn": .string(resampling.unit.rawValue), "more": JSONValue(resampling.more),
            "failed": JSONValue(resampling.failed), "threshold": Self.json(resampling.interval),
            "deviations": Self.json(resampling.deviations), "unsure": JSONValue(resampling.unsure),
            "of": JSONValue(resampling.scored),
            "clients": .array(
              resampling.clients.map { client in
                [
                  "client": .string(client.client), "threshold": Self.json(client.interval),
                  "deviations": Self.json(client.deviations), "unsure": JSONValue(client.unsure),
                  "of": JSONValue(client.scored),
                ]
              }),
          ]
        }),
    ]
  }

  private static func json(_ range: ClosedRange<Double>?) -> JSONValue {
    range.map { [number($0.lowerBound), number($0.upperBound)] } ?? .null
  }
}

extension ThresholdBootstrap.Resampling {
  /// "anchors", or "anchors, 10 more each".
  fileprivate var name: String {
    switch (unit, more) {
    case (_, 0): unit.rawValue
    case (.clients, _): "clients, \(more) more"
    default: "anchors, \(more) more each"
    }
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
