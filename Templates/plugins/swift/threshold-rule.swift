import PluginKit

/// A threshold rule. This one takes, for all clients, the mean score of all anchors less `margin`.
struct AnchorMargin: ThresholdRule {
  static let id = "my-plugin"
  static let summary = "The mean score of all anchors, less a margin."
  static let details = "All clients get the same threshold: the mean score of all clients' anchors, less margin."

  @Parameter("How far below the anchors a sample may be.") var margin = 0.0

  func thresholds(_ clients: [ClientScores]) throws -> [Double] {
    let anchors = clients.flatMap(\.anchors)
    guard !anchors.isEmpty else { throw PluginError("there are no scores of anchors") }
    let threshold = anchors.reduce(0, +) / Double(anchors.count) - margin
    return clients.map { _ in threshold }
  }
}

private let library = PluginLibrary("my-plugin", version: "1.0.0", thresholdRules: [AnchorMargin.self])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
