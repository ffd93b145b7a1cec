import PluginKit

/// The mean of the updates, shrunk towards zero the less they agree.
struct ModelStock: LinearMergeMethod {
  static let id = "model-stock"
  static let summary = "The mean of the clients' updates, shortened the less they point the same way."
  static let details = """
        ΔW = t/N · Σ ΔWᵢ
        t  = N·c / (1 + (N − 1)·c)

    c is the mean cosine between two clients' updates; the base model is zero here. Clients that agree (c = 1) give \
    their mean, clients at right angles (c = 0) give nothing. An update of zero counts as being at right angles to all \
    others.

    t is not bounded: updates that point away from each other (c < 0) make it negative, as in mergekit, and a warning \
    says so; if they cancel out, t is undefined and the merge is refused. The method does not use weights: they must be \
    equal.
    """
  static let reference = "Jang et al. 2024, Model Stock: All we need is just a few fine-tuned models (arXiv 2403.19522)"
  static let inputCounts = 2...Int(UInt32.max)
  static let innerProducts: InnerProducts = [.module, .adapter]

  @Parameter("Whether the cosine is per module or between whole adapters.") var scope = Scope.matrix

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    try unit.checkThatWeightsAreEqual("use average, or omit the weights")
    let geometry = Geometry(unit, scope)
    let count = unit.inputs.count
    var sum = 0.0
    for i in 0..<count { for j in 0..<i { sum += geometry.cosine(i, j) } }
    let cosine = sum / Double(count * (count - 1) / 2)
    let divisor = 1 + Double(count - 1) * cosine
    guard divisor > 1e-6 else {
      throw PluginError("the clients' updates cancel out, so Model Stock has no ratio for them; use average instead")
    }
    let ratio = Double(count) * cosine / divisor
    if ratio < 0 {
      unit.host.log(
        "\(unit.module): the clients point away from each other, and t = \(ratio) reverses their mean",
        level: .warning)
    }
    return unit.inputs.map { _ in ratio / Double(count) }
  }
}
