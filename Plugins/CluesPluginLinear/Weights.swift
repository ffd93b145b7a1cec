import PluginKit

extension MergeUnit {
  /// The weights divided by their sum.
  func shares(_ some: [MergeInput]? = nil) throws -> [Double] {
    let weights = (some ?? inputs).map(\.weight)
    let sum = weights.reduce(0, +)
    guard abs(sum) > 1e-8 * weights.reduce(0, { $0 + abs($1) }) else {
      throw PluginError("the weights sum to \(sum), so there is no weighted mean; set normalize: false for the sum")
    }
    return weights.map { $0 / sum }
  }

  /// The weights divided by their sum, as each client's share.
  func positiveShares(_ some: [MergeInput]? = nil) throws -> [Double] {
    for input in some ?? inputs where input.weight < 0 {
      throw PluginError("client '\(input.client)' has weight \(input.weight), but a share cannot be negative")
    }
    guard (some ?? inputs).contains(where: { $0.weight > 0 }) else {
      throw PluginError("all weights are 0, so there are no shares")
    }
    return try shares(some)
  }

  /// Refuses weights that the method would ignore.
  func checkThatWeightsAreEqual(_ advice: String) throws {
    guard Set(inputs.map(\.weight)).count <= 1 else {
      throw PluginError("the weights differ, but this method does not use them; \(advice)")
    }
  }
}
