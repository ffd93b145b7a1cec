import Foundation

/// A range of numbers mapped to a range of the page.
struct Scale: Sendable {
  let domain: ClosedRange<Double>
  /// The range of the page.
  let start: Double
  let length: Double

  init(_ domain: ClosedRange<Double>, start: Double, length: Double) {
    self.domain = domain
    self.start = start
    self.length = length
  }

  /// The position of a value; values outside are clamped to the end.
  func callAsFunction(_ value: Double) -> Double {
    let width = domain.upperBound - domain.lowerBound
    guard width > 0, !value.isNaN else { return start }
    return start + (min(max(value, domain.lowerBound), domain.upperBound) - domain.lowerBound) / width * length
  }

  /// Round numbers in the domain, about eight of them, and their distance.
  var ticks: (values: [Double], step: Double) {
    let width = domain.upperBound - domain.lowerBound
    guard width > 0, width.isFinite else { return ([], 0) }
    let step = roundStep(width / 7)
    let first = (domain.lowerBound / step).rounded(.up)
    let count = (domain.upperBound / step).rounded(.down) - first
    guard count >= 0, count < 20 else { return ([], step) }
    return ((0...Int(count)).map { (first + Double($0)) * step }, step)
  }
}

/// The next of 1, 2, 5, 10, 20 … (and their fractions) that is at least `least`.
func roundStep(_ least: Double) -> Double {
  guard least > 0, least.isFinite else { return 1 }
  let power = pow(10, log10(least).rounded(.down))
  // A little tolerance, so that 0.2 computed as 0.20000000000000004 stays 0.2.
  return ([1, 2, 5, 10].map { $0 * power }.first { $0 >= least * (1 - 1e-9) } ?? 10 * power)
}
