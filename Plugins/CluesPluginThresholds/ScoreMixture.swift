import Glibc
import PluginKit

/// The share of good samples, and each sample's probability of being good, as estimated from anchors and training samples.
///
/// The formulas are those of ``AnchorMixture``'s details. All sums run over sorted scores, so that the order of clients
/// and samples makes no difference to the last bit.
struct ScoreMixture {
  /// The share of good samples among the training samples, and its standard error.
  let share: Double
  let error: Double
  /// The probability of being good for every training sample, in ascending order.
  let chances: [Double]
  /// The distance of the anchors' distribution from that of the samples weighted by their probabilities: √n times the largest
  /// distance, as in the test of Kolmogorov and Smirnov.
  let misfit: Double

  /// - parameters:
  ///   - anchors: Their standardised scores, ascending.
  ///   - train: Those of the training samples.
  init(_ anchors: [Double], _ train: [Double], k: Double, shape: Double, _ host: Host) throws {
    let (good, all) = (Binned(anchors), Binned(train))
    let trust = min(1, shape * good.total / all.total)
    let (heightsOfAnchors, heights) = (good.values.map { asinh($0) }, all.values.map { asinh($0) })
    var hypotheses: [(log: Double, share: Double)] = []
    var curves: [[Double]] = []
    for cutStep in -14...12 {
      try host.checkCancellation()
      let cut = 0.25 * Double(cutStep)
      let height = asinh(cut - k)
      for slopeStep in -4...4 {
        let logSlope = 0.3 * Double(slopeStep)
        let slope = 2 * exp(logSlope)
        let curve = heights.map { 1 / (1 + exp(-slope * ($0 - height))) }
        let share = min(1 - 1e-12, max(1e-12, all.sum(curve) / all.total))
        let anchorLogs = heightsOfAnchors.map { logOfLogistic(slope * ($0 - height)) }
        var log = good.sum(anchorLogs) - good.total * Glibc.log(share)
        log -= cut * cut / 2 + (logSlope / 0.6) * (logSlope / 0.6) / 2
        if trust > 0 { log += trust * Self.shapeLogLikelihood(curve, share, good, all) }
        hypotheses.append((log, share))
        curves.append(curve)
      }
    }
    let highest = hypotheses.reduce(-Double.infinity) { max($0, $1.log) }
    let weights = hypotheses.map { exp($0.log - highest) }
    let sum = weights.reduce(0, +)
    let share = zip(weights, hypotheses).reduce(0) { $0 + $1.0 * $1.1.share } / sum
    let spread = zip(weights, hypotheses).reduce(0) { $0 + $1.0 * ($1.1.share - share) * ($1.1.share - share) } / sum
    var mean = [Double](repeating: 0, count: all.values.count)
    for (weight, curve) in zip(weights, curves) {
      for index in mean.indices { mean[index] += weight / sum * curve[index] }
    }
    (self.share, error) = (share, spread.squareRoot())
    chances = all.interpolate(mean, at: train)
    misfit = Self.misfit(anchors, train, chances)
  }

  /// The log-likelihood of all scores if good and bad ones are normal, with the moments given by the curve.
  private static func shapeLogLikelihood(_ curve: [Double], _ share: Double, _ anchors: Binned, _ all: Binned) -> Double
  {
    let good = Normal(
      [(all, curve), (anchors, [Double](repeating: 1, count: anchors.values.count))], mean: 0, variance: 1)
    let bad = Normal([(all, curve.map { 1 - $0 })], mean: -3, variance: 4)
    let (logShare, logRest) = (log(share), log1p(-share))
    let mixed = all.values.map { z in
      let (one, other) = (logShare + good.logDensity(z), logRest + bad.logDensity(z))
      return max(one, other) + log1p(exp(-abs(one - other)))
    }
    return all.sum(mixed) + anchors.sum(anchors.values.map(good.logDensity))
  }

  private static func misfit(_ anchors: [Double], _ train: [Double], _ chances: [Double]) -> Double {
    let total = chances.reduce(0, +)
    var (passedAnchors, passed) = (0, 0)
    var (below, largest) = (0.0, 0.0)
    while passedAnchors < anchors.count || passed < train.count {
      let next = min(
        passedAnchors < anchors.count ? anchors[passedAnchors] : .infinity,
        passed < train.count ? train[passed] : .infinity
      )
      while passedAnchors < anchors.count, anchors[passedAnchors] == next { passedAnchors += 1 }
      while passed < train.count, train[passed] == next {
        below += chances[passed]
        passed += 1
      }
      largest = max(largest, abs(Double(passedAnchors) / Double(anchors.count) - below / total))
    }
    return Double(anchors.count).squareRoot() * largest
  }
}

/// log(1 / (1 + exp(−x))), without overflow.
private func logOfLogistic(_ x: Double) -> Double { x > 0 ? -log1p(exp(-x)) : x - log1p(exp(x)) }

/// Sorted values, with neighbours grouped if there are many.
private struct Binned {
  static let most = 128
  let values: [Double]
  let counts: [Double]
  let total: Double

  init(_ sorted: [Double]) {
    let bins = min(sorted.count, Self.most)
    let ranges = (0..<bins).map { $0 * sorted.count / bins..<($0 + 1) * sorted.count / bins }
    values = ranges.map { sorted[$0].reduce(0, +) / Double($0.count) }
    counts = ranges.map { Double($0.count) }
    total = Double(sorted.count)
  }

  /// The sum over all values, given what each bin's are.
  func sum(_ numbers: [Double]) -> Double {
    var sum = 0.0
    for index in numbers.indices { sum += counts[index] * numbers[index] }
    return sum
  }

  /// The bins' numbers interpolated at sorted positions, linearly between the bins and constant beyond them.
  func interpolate(_ numbers: [Double], at places: [Double]) -> [Double] {
    var bin = 0
    return places.map { index in
      while bin + 1 < values.count, values[bin + 1] <= index { bin += 1 }
      guard bin + 1 < values.count, index > values[bin] else { return numbers[bin] }
      let part = (index - values[bin]) / (values[bin + 1] - values[bin])
      return numbers[bin] + part * (numbers[bin + 1] - numbers[bin])
    }
  }
}

/// A normal distribution by weighted moments.
private struct Normal {
  private let mean: Double
  private let variance: Double
  private let constant: Double

  /// Of values with weights, and of three more with this mean and variance, so that no class is ever empty or a point.
  init(_ parts: [(values: Binned, weights: [Double])], mean priorMean: Double, variance priorVariance: Double) {
    let pull = 3.0
    var (count, sum) = (pull, pull * priorMean)
    for (bins, weights) in parts {
      for index in weights.indices {
        let weight = bins.counts[index] * weights[index]
        count += weight
        sum += weight * bins.values[index]
      }
    }
    let mean = sum / count
    var squares = pull * priorVariance
    for (bins, weights) in parts {
      for index in weights.indices {
        let distance = bins.values[index] - mean
        squares += bins.counts[index] * weights[index] * distance * distance
      }
    }
    self.mean = mean
    variance = squares / count
    constant = -log(2 * Double.pi * variance) / 2
  }

  func logDensity(_ z: Double) -> Double { constant - (z - mean) * (z - mean) / (2 * variance) }
}
