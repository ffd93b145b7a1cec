import PluginKit

/// The weighted mean of the clients' updates, or their weighted sum.
struct Average: LinearMergeMethod {
  static let id = "average"
  static let summary = "The weighted mean of the clients' updates."
  static let details = """
        ΔW = Σ wᵢ ΔWᵢ / Σ wᵢ

    In space stack (the default) this is exact: the factors are stacked and, on request, compressed by QR and a small \
    SVD. In space factors A and B are averaged separately, as in PEFT's linear and FedAvg; that leaves cross terms \
    between clients, so the result is not the mean of the updates.

    normalize: false gives the weighted sum Σ wᵢ ΔWᵢ instead, which is what PEFT's cat, linear and svd compute.
    """
  static let reference = "McMahan et al. 2017 (FedAvg); Wang et al. 2024 (FLoRA, stacking)"

  @Parameter("Divide by the sum of the weights.") var normalize = true

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    normalize ? try unit.shares() : unit.inputs.map(\.weight)
  }
}
