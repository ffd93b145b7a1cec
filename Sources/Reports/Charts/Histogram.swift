/// Equal intervals of an axis, and the number of values in each.
struct Histogram: Sendable {
  let start: Double
  let width: Double
  let count: Int

  /// About eighty intervals; `edge` falls between two of them.
  init(over domain: ClosedRange<Double>, edge: Double?) {
    width = (domain.upperBound - domain.lowerBound) / 80
    let edge = edge ?? domain.lowerBound
    start = edge - ((edge - domain.lowerBound) / width).rounded(.up) * width
    count = Int(((domain.upperBound - start) / width).rounded(.up)) + 1
  }

  var domain: ClosedRange<Double> { start...(start + width * Double(count)) }

  /// The number of values in each interval; values outside count in the first and the last.
  func counts(of values: [Double]) -> [Int] {
    values.reduce(into: Array(repeating: 0, count: count)) { counts, value in
      let place = ((value - start) / width).rounded(.down)
      counts[Int(min(max(place, 0), Double(count - 1)))] += 1
    }
  }
}

/// The range of an axis that shows nearly all values well: all of them, or all but the outermost hundredth if that lies so
/// far out that the rest would be crowded. It always includes `musts`.
func axisDomain(of values: [Double], musts: [Double]) -> ClosedRange<Double> {
  let sorted = values.sorted()
  let ends = sorted.isEmpty ? [] : [sorted[0], sorted[sorted.count - 1]]
  let core = sorted.isEmpty ? [] : [quantile(0.005, of: sorted), quantile(0.995, of: sorted)]
  let (all, most) = (bounds(ends + musts), bounds(core + musts))
  let isCrowded = all.upperBound - all.lowerBound > 1.6 * (most.upperBound - most.lowerBound)
  return isCrowded && most.upperBound > most.lowerBound ? most : all
}

private func bounds(_ values: [Double]) -> ClosedRange<Double> {
  // Differences of larger values would overflow, and fractions of smaller ones underflow.
  let values = values.map { min(max($0, -1e300), 1e300) }
  let (low, high) = (values.min() ?? 0, values.max() ?? 0)
  let least = max(abs(low), abs(high)) * 1e-9
  return high - low > max(least, 1e-290) ? low...high : (low - max(least, 0.5))...(high + max(least, 0.5))
}
