import PluginKit

/// The scores of all clients' anchors, taken together.
///
/// Every anchor counts alike, whatever its client: the threshold is one number for all, so it is set by all anchors.
struct AnchorScores {
  let values: [Double]

  /// - throws: ``PluginError`` when there are fewer than `minimum`.
  init(_ clients: [ClientScores], atLeast minimum: Int = 1, for rule: String) throws {
    values = clients.flatMap(\.anchors)
    guard values.count >= minimum else {
      throw PluginError(
        "\(rule) needs \(minimum == 1 ? "an anchor sample" : "at least \(minimum) anchor samples") with a score, and "
          + "there \(values.count == 1 ? "is 1" : "are \(values.isEmpty ? "none" : "\(values.count)")"); hand in "
          + "anchor samples, or use top-ratio, otsu or fixed")
    }
  }

  var mean: Double { values.reduce(0, +) / Double(values.count) }

  /// The standard deviation estimated from the anchors, with n − 1.
  var deviation: Double {
    let mean = mean
    let sum = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (sum / Double(values.count - 1)).squareRoot()
  }

  /// The quantile, interpolated between the neighbours in order (type 7 of Hyndman and Fan, numpy's default).
  func quantile(_ share: Double) -> Double {
    let sorted = values.sorted()
    let place = share * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
  }
}
