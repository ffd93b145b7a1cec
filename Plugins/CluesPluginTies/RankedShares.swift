/// DELLA's probabilities: within a row the largest entry has the highest probability of being kept, the smallest the lowest.
struct RankedShares: BitwiseCopyable {
  /// The probability in the middle of the row.
  let density: Double
  /// How far the ends of the row are from it.
  let epsilon: Double
  /// Whether a kept entry is divided by its probability.
  let isInverse: Bool
}
