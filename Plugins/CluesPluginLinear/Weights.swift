import PluginKit

extension MergeUnit {
  /// The weights divided by their sum.
  func shares(_ some: [MergeInput]? = nil) throws -> [Double] {
    let weights = (some ?? inputs).map(\.weight)
    let sum = weights.reduce(0, +)
    guard abs(sum) > 1e-8 * weights.reduce(0, { $0 + abs($1) }) else {
      throw PluginError("the weights sum to \(sum), so their mean is not defined; set normalize: false for their sum")
    }
    return weights.map { $0 / sum }
  }

  /// The weights divided by their sum, where they are to say how much of each client there is.
  func positiveShares(_ some: [MergeInput]? = nil) throws -> [Double] {
    for input in some ?? inputs where input.weight < 0 {
      throw PluginError("client '\(input.client)' has the weight \(input.weight), and a share cannot be negative")
    }
    guard (some ?? inputs).contains(where: { $0.weight > 0 }) else {
      throw PluginError("all weights are 0, so there are no shares")
    }
    return try shares(some)
  }

  /// Refuses weights that the method would have to ignore.
  func checkThatWeightsAreEqual(_ advice: String) throws {
    guard Set(inputs.map(\.weight)).count <= 1 else {
      throw PluginError("the weights differ, and this method has no place for them; \(advice)")
    }
  }
}
