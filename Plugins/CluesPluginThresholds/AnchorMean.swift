import PluginKit

/// The mean score of the anchors.
struct AnchorMean: ThresholdRule {
  static let id = "anchor-mean"
  static let summary = "The mean score of all clients' anchor samples, one threshold for everybody."
  static let details = """
    The rule of the paper. Every anchor counts alike, whatever its client. About half of all good samples score below the \
    mean of good samples, so it drops about that many of them; anchor-sigma and anchor-quantile go lower.
    """
  static let reference =
    "CLUES (arXiv 2507.03004); Enhancing Data Quality in Federated Fine-Tuning of Foundation Models, 3.3 "
    + "(arXiv 2403.04529)"

  func thresholds(_ clients: [ClientScores]) throws -> [Double] {
    let threshold = try AnchorScores(clients, for: Self.id).mean
    return clients.map { _ in threshold }
  }
}
