import PluginKit

/// The weighted sum of the clients' updates.
struct TaskArithmetic: LinearMergeMethod {
  static let id = "task-arithmetic"
  static let summary = "The weighted sum of the clients' updates: tasks add up, and negative weights subtract them."
  static let details = """
        ΔW = lambda · Σ wᵢ ΔWᵢ

    This is exact in every space except factors. Equal weights of 1 add the clients up; a weight of −1 subtracts what an \
    adapter has learned.
    """
  static let reference = "Ilharco et al. 2023, Editing Models with Task Arithmetic (arXiv 2212.04089)"

  @Parameter("A factor for the whole result.") var lambda = 1.0

  func coefficients(_ unit: MergeUnit) throws -> [Double] { unit.inputs.map { lambda * $0.weight } }
}
