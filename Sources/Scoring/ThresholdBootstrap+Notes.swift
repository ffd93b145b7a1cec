import Diagnostics
import Foundation
import JSON

extension ThresholdBootstrap {
  /// A warning about an uncertain threshold.
  package var note: Note? {
    guard let present, !present.clients.isEmpty, 4 * present.unsure > present.scored else { return nil }
    let more = resamplings.first { $0.unit == present.unit && $0.more > 0 && !$0.clients.isEmpty }
    let advice = more.map { "; \($0.more) more anchors of each client would leave \($0.unsure)" }
    return .warning(
      "the threshold is uncertain: with other \(present.unit.rawValue) of the same kind \(present.unsure) of "
        + "\(present.scored) samples may be decided differently\(advice ?? "")")
  }

  package var json: JSONValue {
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
  package var name: String {
    switch (unit, more) {
    case (_, 0): unit.rawValue
    case (.clients, _): "clients, \(more) more"
    default: "anchors, \(more) more each"
    }
  }
}
