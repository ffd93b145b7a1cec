import PluginKit

/// A quantile of the anchors' scores.
struct AnchorQuantile: ThresholdRule {
  static let id = "anchor-quantile"
  static let summary = "The score below which a share q of all clients' anchor samples lies."
  static let details = """
    The quantile of the anchors of all clients together, interpolated linearly between neighbours. q = 0.25 keeps \
    about three quarters of what scores like the anchors, q = 0 everything at least as good as the worst of them.
    """

  @Parameter("The share of the anchors below the threshold.", in: 0...1) var q = 0.25

  func thresholds(_ clients: [ClientScores]) throws -> [Double] {
    let threshold = try AnchorScores(clients, for: Self.id).quantile(q)
    return clients.map { _ in threshold }
  }
}
