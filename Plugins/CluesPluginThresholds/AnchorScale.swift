/// Mean and deviation of the anchors, which bring scores of any size to a common scale.
struct AnchorScale {
  /// A power of two about as large as the largest anchor, the unit of the rest, so that nothing overflows.
  private let unit: Double
  private let mean: Double
  /// With n − 1; 0 if the anchors differ by no more than rounding.
  let deviation: Double

  /// Scores further away than this many deviations are clamped to this distance.
  static let limit = 20.0

  init(sorted anchors: [Double]) {
    let largest = max(abs(anchors[0]), abs(anchors[anchors.count - 1]))
    let unit = largest > 0 ? Double(sign: .plus, exponent: largest.exponent, significand: 1) : 1
    let mean = anchors.reduce(0) { $0 + $1 / unit } / Double(anchors.count)
    let squares = anchors.reduce(0) { $0 + ($1 / unit - mean) * ($1 / unit - mean) }
    let deviation = (squares / Double(anchors.count - 1)).squareRoot()
    (self.unit, self.mean, self.deviation) = (unit, mean, deviation > 1e-12 ? deviation : 0)
  }

  /// The number of deviations of a score above the mean.
  func z(_ score: Double) -> Double {
    max(-Self.limit, min(Self.limit, (score / unit - mean) / deviation))
  }

  /// The score at a number of deviations above the mean.
  func score(_ z: Double) -> Double { (mean + z * deviation) * unit }
}
