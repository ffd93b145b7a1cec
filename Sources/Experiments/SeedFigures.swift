import Glibc
import Measuring
import Records

extension ExperimentRecord.Figure {
  /// A number that every seed has one of.
  ///
  /// With several seeds the interval is that of their mean (Student's t, 95 %); with one it is `estimate`'s, from drawing the
  /// test samples anew.
  init(_ values: [Double], drawn estimate: Estimate? = nil) {
    self.init()
    seeds = values.map { $0.isFinite ? $0 : nil }
    let finite = values.filter(\.isFinite)
    guard !finite.isEmpty else { return }
    let mean = finite.reduce(0, +) / Double(finite.count)
    value = mean
    if values.count == 1, let estimate, estimate.low.isFinite, estimate.high.isFinite {
      interval = [estimate.low, estimate.high]
    } else if finite.count > 1 {
      let squares = finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let half =
        studentQuantile(finite.count - 1) * (squares / Double(finite.count - 1) / Double(finite.count)).squareRoot()
      interval = [mean - half, mean + half]
    }
  }
}

extension ExperimentRecord.Figure {
  /// The share of a cost that is won back: the ratio of both means over seeds, which one seed without a cost cannot upset.
  ///
  /// With several seeds the interval is Fieller's, of 95 %; there is none where the cost may as well be nothing.
  init(gains: [Double], costs: [Double], drawn estimate: Estimate? = nil) {
    self.init(zip(gains, costs).map { $0 / $1 }, drawn: estimate)
    guard gains.count > 1 else { return }
    (value, interval) = (nil, nil)
    let n = Double(gains.count)
    let (gain, cost) = (gains.reduce(0, +) / n, costs.reduce(0, +) / n)
    guard gain.isFinite, cost.isFinite, cost != 0 else { return }
    value = gain / cost
    func covariance(_ a: [Double], _ b: [Double]) -> Double {
      let (meanA, meanB) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
      return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / (n - 1)
    }
    let t = studentQuantile(gains.count - 1)
    let scale = t * t / n
    let a = cost * cost - scale * covariance(costs, costs)
    let b = gain * cost - scale * covariance(gains, costs)
    let c = gain * gain - scale * covariance(gains, gains)
    guard a > 0, b * b - a * c >= 0 else { return }
    let root = (b * b - a * c).squareRoot()
    interval = [(b - root) / a, (b + root) / a]
  }
}

/// The quantile 0.975 of Student's t with so many degrees of freedom.
func studentQuantile(_ freedom: Int) -> Double {
  let exact = [
    12.706204736432095, 4.302652729911275, 3.182446305284263, 2.7764451051977987, 2.5705818366147395,
    2.4469118487916806, 2.3646242510102993, 2.306004135204166, 2.2621571627409915,
  ]
  guard freedom > exact.count else { return exact[max(0, freedom - 1)] }
  // Cornish and Fisher's expansion: right to 3·10⁻⁵ from ten degrees on.
  let (z, n) = (1.959963984540054, Double(freedom))
  let (z3, z5, z7) = (pow(z, 3), pow(z, 5), pow(z, 7))
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n)
    + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n)
}
