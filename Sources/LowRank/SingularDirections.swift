import Tensors

/// X = U·diag(s)·V of a dense matrix, for the directions that are more than rounding of its entries.
public struct SingularDirections: Sendable {
  /// U, [out, k], with orthonormal columns.
  public let left: Matrix<Float>

  /// s, k of them, largest first, all above 0.
  public let values: [Double]

  /// V, [k, in], with orthonormal rows.
  public let right: Matrix<Float>

  /// The directions that hold all but 10⁻¹² of the energy ‖X‖²_F.
  ///
  /// A matrix whose entries are rounded to float32 has full rank; rounding adds at most 2⁻⁴⁸ of the energy. A sketch recognizes
  /// a matrix of low rank, which saves decomposing the whole matrix.
  ///
  /// - throws: ``Failure`` `badData` as ``compress(dense:to:by:)``.
  public init(of matrix: Matrix<Float>, stream: RandomStream) throws {
    let compression = try compress(
      dense: matrix, to: .energy(1 - 1e-12), by: .sketched(stream, tolerance: 1e-13))
    let kept = compression.singularValues.prefix(compression.rank).prefix { $0 > 0 }
    let roots = kept.map { $0.squareRoot() }
    let (b, a) = (compression.factors.b, compression.factors.a)
    values = Array(kept)
    left = try Matrix(rows: b.rows, columns: kept.count) { target in
      b.withUnsafeBufferPointer { source in
        for row in 0..<b.rows {
          for (column, root) in roots.enumerated() {
            target[row * kept.count + column] = Float(Double(source[row * b.columns + column]) / root)
          }
        }
      }
    }
    right = try Matrix(rows: kept.count, columns: a.columns) { target in
      a.withUnsafeBufferPointer { source in
        for (row, root) in roots.enumerated() {
          for index in row * a.columns..<(row + 1) * a.columns { target[index] = Float(Double(source[index]) / root) }
        }
      }
    }
  }
}
