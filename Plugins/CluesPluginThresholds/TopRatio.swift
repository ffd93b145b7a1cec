import PluginKit

/// A fixed share of the training samples.
struct TopRatio: ThresholdRule {
  static let id = "top-ratio"
  static let summary = "Keeps a share of the training samples, those with the highest scores."
  static let details = """
    The threshold is the score of the k-th best training sample, k = ratio · n rounded to the nearest, at least 1; \
    samples with the same score are kept too. scope: client keeps the share of each client, however good or bad its data; \
    scope: global keeps the best of all.
    """
  static let reference = "A baseline of CLUES (arXiv 2507.03004); 0.6 is select_ratio in its code"

  @Parameter("The share of the training samples to keep, above 0.", in: 0...1) var ratio = 0.6
  @Parameter("Whether the share is of all samples or of each client's.") var scope = Scope.global

  func validate() throws {
    if ratio == 0 { throw PluginError("a ratio of 0 keeps nothing", status: .invalidArgument) }
  }

  func thresholds(_ clients: [ClientScores]) throws -> [Double] {
    try scope.thresholds(clients) { scores, whose in
      guard !scores.isEmpty else { throw PluginError("\(whose) no training sample with a score to keep a share of") }
      let kept = max(1, Int((ratio * Double(scores.count)).rounded()))
      return scores.sorted(by: >)[kept - 1]
    }
  }
}
