import PluginKit

/// The weighted mean of the clients' updates, or their weighted sum.
struct Average: LinearMergeMethod {
  static let id = "average"
  static let summary = "The weighted mean of the clients' updates."
  static let details = """
    ΔW = Σ wᵢ ΔWᵢ / Σ wᵢ. In space stack (the default) this is exact: the factors are stacked and, if asked for, \
    compressed by QR and a small SVD. In space factors A and B are averaged apart, as PEFT's linear and FedAvg do; \
    that leaves cross terms between clients, so the result is not the mean of the updates.

    normalize: false gives the weighted sum Σ wᵢ ΔWᵢ instead, which is what PEFT's cat, linear and svd compute.
    """
  static let reference = "McMahan et al. 2017 (FedAvg); Wang et al. 2024 (FLoRA, stacking)"

  @Parameter("Divide by the sum of the weights.") var normalize = true

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    let weights = unit.inputs.map(\.weight)
    guard normalize else { return weights }
    let sum = weights.reduce(0, +)
    guard abs(sum) > 1e-8 * weights.reduce(0, { $0 + abs($1) }) else {
      throw PluginError("the weights sum to \(sum), so their mean is not defined; set normalize: false for their sum")
    }
    return weights.map { $0 / sum }
  }
}

private let library = PluginLibrary(
  "average", version: "1.0.0", vendor: "Clues", license: "Apache-2.0", mergeMethods: [Average.self])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
