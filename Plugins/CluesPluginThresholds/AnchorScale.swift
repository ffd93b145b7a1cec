/// Mean and deviation of the anchors, by which scores of any size are brought to a common scale.
struct AnchorScale {
  /// A power of two about as large as the largest anchor, in which the rest is told, so that nothing overflows.
  private let unit: Double
  private let mean: Double
  /// With n − 1; 0 where the anchors do not differ by more than rounding.
  let deviation: Double

  /// Scores further off than this many deviations count as if they were this far off.
  static let limit = 20.0

  init(sorted anchors: [Double]) {
    let largest = max(abs(anchors[0]), abs(anchors[anchors.count - 1]))
    let unit = largest > 0 ? Double(sign: .plus, exponent: largest.exponent, significand: 1) : 1
    let mean = anchors.reduce(0) { $0 + $1 / unit } / Double(anchors.count)
    let squares = anchors.reduce(0) { $0 + ($1 / unit - mean) * ($1 / unit - mean) }
    let deviation = (squares / Double(anchors.count - 1)).squareRoot()
    (self.unit, self.mean, self.deviation) = (unit, mean, deviation > 1e-12 ? deviation : 0)
  }

  /// How many deviations a score lies above the mean.
  func z(_ score: Double) -> Double {
    max(-Self.limit, min(Self.limit, (score / unit - mean) / deviation))
  }

  /// The score that lies so many deviations above the mean.
  func score(_ z: Double) -> Double { (mean + z * deviation) * unit }
}
