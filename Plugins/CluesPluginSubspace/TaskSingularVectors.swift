import LowRank
import PluginKit
import Tensors

/// The clients' strongest singular directions, made orthogonal to each other.
struct TaskSingularVectors: MergeMethod {
  static let id = "tsv"
  static let summary =
    "Takes each client's strongest singular directions and makes them orthogonal to each other (TSV-M)."
  static let details = """
    The ⌊share·rank⌋ strongest directions of each update ΔWᵢ = Uᵢ·Sᵢ·Vᵢ are kept, at least one; the rank is the number of \
    directions that hold all but 10⁻¹² of the energy. By default share is one n-th for n clients, so the result has the \
    rank of one of them. The kept directions are placed side by side as U = [U₁ … Uₙ] and V and replaced by the nearest \
    orthonormal ones: U = P·D·Q becomes P·Q, and V likewise (a direction that clients share exactly appears once). \
    ΔW = lambda · U·S·V, with S the clients' singular values times their weights.

    The result is the same in space core, which is fast, and in space delta.
    """
  static let reference =
    "Gargiulo et al. 2025, Task Singular Vectors: Reducing Task Interference in Model Merging (arXiv 2412.00081)"
  static let spaces: Set<MergeSpace> = [.core, .delta]
  static let defaultSpace = MergeSpace.core

  @Parameter("The share of each client's directions to keep; by default one n-th for n clients.", in: 0...1)
  var share: Double? = nil
  @Parameter("A factor for the whole result.") var lambda = 1.0

  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    let share = share ?? 1 / Double(unit.inputs.count)
    let parts = try unit.inputs.map { input in
      try unit.host.checkCancellation()
      let directions = try SingularDirections(of: input.matrix.copy(), stream: RandomStream(key: input.stream))
      let rank = directions.values.count
      // A third of a rank of 3 is one direction, however the third was rounded.
      let kept = min(rank, max(1, Int(share * Double(rank) * (1 + 1e-12))))
      return (directions: directions, kept: kept, weight: input.weight)
    }
    let values = parts.flatMap { part in part.directions.values.prefix(part.kept).map { part.weight * $0 } }
    let left = try Matrix<Float>(rows: output.rows, columns: values.count) { target in
      var start = 0
      for part in parts {
        for row in 0..<output.rows {
          for column in 0..<part.kept {
            target[row * values.count + start + column] = part.directions.left[row, column]
          }
        }
        start += part.kept
      }
    }
    let right = try Matrix<Float>(rows: values.count, columns: output.columns) { target in
      var start = 0
      for part in parts {
        let end = start + part.kept * output.columns
        part.directions.right.withUnsafeBufferPointer {
          _ = UnsafeMutableBufferPointer(rebasing: target[start..<end]).initialize(
            fromContentsOf: $0.prefix(part.kept * output.columns))
        }
        start = end
      }
    }
    let stream = RandomStream(key: unit.inputs[0].stream)
    let rows = try orthogonalized(right, stream)
    let weighted = try Matrix<Float>(rows: rows.rows, columns: rows.columns) { target in
      rows.withUnsafeBufferPointer { source in
        for index in 0..<source.count {
          target[index] = Float(values[index / rows.columns] * Double(source[index]))
        }
      }
    }
    try output.fill(with: Term(coefficient: lambda, b: orthogonalized(left, stream), a: weighted))
  }

  /// P·Q of X = P·D·Q, the matrix nearest to X among those that are orthonormal on the support of X.
  private func orthogonalized(_ matrix: Matrix<Float>, _ stream: RandomStream) throws -> Matrix<Float> {
    let directions = try SingularDirections(of: matrix, stream: stream)
    return try delta(of: [Term(b: directions.left, a: directions.right)])
  }
}

extension MatrixView {
  /// The matrix as a value.
  fileprivate func copy() throws -> Matrix<Float> { try Matrix(rows: rows, columns: columns, elements) }
}

extension MutableMatrixView {
  /// Writes c·B·A.
  func fill(with term: Term) throws {
    try delta(of: [term]).withUnsafeBufferPointer { _ = elements.update(fromContentsOf: $0) }
  }
}
