import LowRank
import PluginKit
import Tensors

/// The sum of the updates with all its singular values made equal.
struct Iso: MergeMethod {
  static let id = "iso"
  static let summary = "Adds up the updates and makes all singular values of the sum equal (Iso-C)."
  static let details = """
    With U·S·V the singular value decomposition of Σ wᵢ ΔWᵢ, ΔW = lambda · s̄ · U·V, where s̄ is the mean of the \
    singular values, so no direction dominates. The mean is taken over the directions that exist, those that hold all but \
    10⁻¹² of the energy: over the full width of a layer it would be close to zero, because the sum of a few adapters has \
    a low rank.

    The result is the same in space core, which is fast, and in space delta.
    """
  static let reference =
    "Marczak et al. 2025, No Task Left Behind: Isotropic Model Merging with Common and Task-Specific Subspaces "
    + "(arXiv 2502.04959)"
  static let spaces: Set<MergeSpace> = [.core, .delta]
  static let defaultSpace = MergeSpace.core

  @Parameter("A factor for the whole result.") var lambda = 1.0

  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    let sum = try Matrix<Float>(rows: output.rows, columns: output.columns) { target in
      for index in 0..<target.count {
        var sum = 0.0
        for input in unit.inputs { sum += input.weight * Double(input.matrix.elements[index]) }
        target.initializeElement(at: index, to: Float(sum))
      }
    }
    let directions = try SingularDirections(of: sum, stream: RandomStream(key: unit.inputs[0].stream))
    let mean = directions.values.reduce(0, +) / Double(max(1, directions.values.count))
    try output.fill(with: Term(coefficient: lambda * mean, b: directions.left, a: directions.right))
  }
}
