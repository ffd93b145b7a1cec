/// The cut with the best F1 if each sample is good with a known probability.
///
/// Good samples kept are Σ P over the kept, and all good samples Σ P over all, so F1 = 2 Σ P / (kept + Σ P over all).
struct BestF1 {
  /// The index of the lowest sample to keep.
  let lowest: Int
  let f1: Double

  /// - parameters:
  ///   - chances: The probability of each sample, in the order of the scores.
  ///   - scores: Ascending; equal ones are kept or dropped together.
  init(_ chances: [Double], _ scores: [Double]) {
    let total = chances.reduce(0, +)
    var best = (lowest: 0, f1: -1.0)
    var good = 0.0
    for index in scores.indices.reversed() {
      good += chances[index]
      if index > 0, scores[index - 1] == scores[index] { continue }
      let f1 = 2 * good / (Double(scores.count - index) + total)
      if f1 > best.f1 { best = (index, f1) }
    }
    (lowest, f1) = best
  }
}
