import PluginKit

/// The weighted sum of the clients' updates.
struct TaskArithmetic: LinearMergeMethod {
  static let id = "task-arithmetic"
  static let summary = "The weighted sum of the clients' updates: tasks add up, and negative weights take them away."
  static let details = """
        ΔW = lambda · Σ wᵢ ΔWᵢ

    This is exact in every space but factors. Equal weights of 1 sum the clients up; the weight −1 takes away what an \
    adapter has learned.
    """
  static let reference = "Ilharco et al. 2023, Editing Models with Task Arithmetic (arXiv 2212.04089)"

  @Parameter("A factor for the whole result.") var lambda = 1.0

  func coefficients(_ unit: MergeUnit) throws -> [Double] { unit.inputs.map { lambda * $0.weight } }
}
