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
