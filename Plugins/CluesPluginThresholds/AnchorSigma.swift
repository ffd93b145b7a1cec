import PluginKit

/// Some standard deviations below the mean score of the anchors.
struct AnchorSigma: ThresholdRule {
  static let id = "anchor-sigma"
  static let summary = "The mean score of all clients' anchor samples minus k standard deviations."
  static let details = """
    mean − k·σ over the anchors of all clients together, σ with n − 1. If good samples score like the anchors and \
    these are normally distributed, k = 1 keeps 84 % of them, k = 2 keeps 98 %, and k = 0 is anchor-mean.
    """

  @Parameter("How many standard deviations below the mean; negative is above.") var k = 1.0

  func thresholds(_ clients: [ClientScores]) throws -> [Double] {
    let anchors = try AnchorScores(clients, atLeast: 2, for: Self.id)
    let threshold = anchors.mean - k * anchors.deviation
    return clients.map { _ in threshold }
  }
}
