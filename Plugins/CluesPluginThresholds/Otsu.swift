import PluginKit

/// The split of the scores into two groups that differ the most.
struct Otsu: ThresholdRule {
  static let id = "otsu"
  static let summary = "The threshold that splits the training samples' scores into the two most different groups."
  static let details = """
    Of all splits of the sorted scores the one with the largest variance between the two groups, \
    n₁·n₂·(mean₁ − mean₂)²; the threshold lies halfway between the neighbours. It needs no anchors, but it always \
    finds two groups, even if all samples are good.
    """
  static let reference = "Otsu 1979, A Threshold Selection Method from Gray-Level Histograms"

  @Parameter("Whether to split all clients' samples together or each client's separately.") var scope = Scope.global

  func thresholds(_ clients: [ClientScores]) throws -> [Double] {
    try scope.thresholds(clients) { scores, whose in
      let sorted = scores.sorted()
      guard let lowest = sorted.first, let highest = sorted.last, lowest < highest else {
        throw PluginError("\(whose) fewer than two different scores of training samples, which cannot be split")
      }
      // Relative to the lowest, so that sums of large scores do not lose small differences.
      let total = sorted.reduce(0) { $0 + ($1 - lowest) }
      var below = 0.0
      var best = (variance: -1.0, threshold: highest)
      for index in 1..<sorted.count {
        below += sorted[index - 1] - lowest
        guard sorted[index - 1] < sorted[index] else { continue }
        let counts = (Double(index), Double(sorted.count - index))
        let difference = (total - below) / counts.1 - below / counts.0
        let variance = counts.0 * counts.1 * difference * difference
        if variance > best.variance {
          let middle = sorted[index - 1] + (sorted[index] - sorted[index - 1]) / 2
          best = (variance, middle > sorted[index - 1] ? middle : sorted[index])
        }
      }
      return best.threshold
    }
  }
}
