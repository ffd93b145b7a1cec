import CKernels
import PluginKit

/// The largest entries are kept.
struct MagnitudePruning: ParameterGroup {
  @Parameter("The share of each client's entries to keep.", in: 0...1) var density: PerInput = 0.2

  func mask(of input: MergeInput) throws -> Mask {
    let kept = Int(density[input] * Double(input.rows.count))
    if kept >= input.rows.count { return .all }
    return kept == 0 ? .nothing : .between(outer: try MagnitudeSearch(input.rows).cuts(first: [kept])[0], inner: .none)
  }

  /// Keeps the first `kept` entries by magnitude.
  func mask(of elements: UnsafeBufferPointer<Float>, first kept: Int) -> Mask {
    if kept >= elements.count { return .all }
    return kept == 0 ? .nothing : .between(outer: clues_cut(first: kept, of: elements), inner: .none)
  }
}

/// The largest entries except the very largest are kept.
struct OutlierPruning: ParameterGroup {
  @Parameter("The share of each client's entries to keep.", in: 0...1) var density: PerInput = 0.15
  @Parameter("The share of the very largest entries to drop.", in: 0...1) var gamma: PerInput = 0.01

  func mask(of input: MergeInput) throws -> Mask {
    let count = input.rows.count
    guard density[input] < 1 else { return .all }
    let kept = Int(density[input] * Double(count))
    guard kept > 0 else { return .nothing }
    // The density takes precedence over gamma if there is no room for both.
    let left = min(Int(gamma[input] * Double(count)), count - kept)
    let cuts = try MagnitudeSearch(input.rows).cuts(first: [left + kept, left])
    return .between(outer: cuts[0], inner: cuts[1])
  }
}

/// Entries are kept at random.
struct RandomPruning: ParameterGroup {
  @Parameter("The probability that an entry is kept.", in: 0...1) var density: PerInput = 0.5

  func mask(of input: MergeInput) -> Mask {
    if density[input] >= 1 { return .all }
    return density[input] == 0 ? .nothing : .drawn(share: density[input], stream: input.stream)
  }
}

/// Entries are kept at random, the larger ones of a row with higher probability.
struct RankedPruning: ParameterGroup {
  @Parameter("The mean probability that an entry is kept.", in: 0...1) var density: PerInput = 0.5
  @Parameter(
    "How much more likely than average the largest entry of a row is kept, and the smallest less likely.", in: 0...0.5)
  var epsilon: PerInput = 0.15

  func mask(of input: MergeInput, _ rescale: Rescale) throws -> Mask {
    let (density, epsilon) = (density[input], epsilon[input])
    if density >= 1 { return .all }
    if density == 0 { return .nothing }
    guard density - epsilon > 0, density + epsilon < 1 else {
      throw PluginError(
        "density \(density) ± epsilon \(epsilon) is not within 0 and 1; lower epsilon",
        status: .invalidArgument)
    }
    let shares = RankedShares(density: density, epsilon: epsilon, isInverse: rescale == .inverse)
    return .ranked(shares, stream: input.stream)
  }
}
