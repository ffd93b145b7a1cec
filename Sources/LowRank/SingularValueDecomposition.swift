import COpenBLAS
import Diagnostics

/// X = U·diag(s)·V, with s falling: the singular value decomposition, exact to double precision.
struct SingularValueDecomposition: Sendable {
  /// The left singular vectors as rows, [t, rows of X], with t the smaller side of X.
  let left: Matrix<Double>

  /// The singular values, t of them, largest first. Values explained by rounding are zero.
  let values: [Double]

  /// The right singular vectors as rows, [t, columns of X].
  let right: Matrix<Double>

  /// Decomposes a matrix with LAPACK's divide and conquer.
  ///
  /// Values of at most `longestSide`·2⁻⁵²·s₁ are set to zero: they are just rounding, and would differ from one processor to
  /// the next.
  ///
  /// - parameter longestSide: The longest side of the matrix that X represents, if longer than X's own.
  /// - throws: ``Failure`` `badData` when X holds a number that is not finite, or when the iteration does not converge.
  init(_ matrix: consuming Matrix<Double>, longestSide: Int = 0) throws {
    let (rows, columns) = (matrix.rows, matrix.columns)
    let inner = min(rows, columns)
    guard matrix.withUnsafeBufferPointer({ numbers in numbers.allSatisfy(\.isFinite) }) else {
      throw Failure(
        .badData, "the products of the factors are beyond the range of float64",
        advice: "lower the weights or the scaling")
    }
    matrix.makeUnique()
    let right = try Matrix<Double>(rows: inner, columns: columns)
    let leftColumns = try Matrix<Double>(rows: rows, columns: inner)
    var values = [Double](repeating: 0, count: inner)
    if inner > 0 {
      OpenBLAS.prepare()
      // Column-major, this is Xᵀ = Vᵀ·diag(s)·Uᵀ.
      let (m, n, t) = try (fortran(columns), fortran(rows), fortran(inner))
      let integers = UnsafeMutablePointer<Int32>.allocate(capacity: 8 * inner)
      defer { integers.deallocate() }
      var info: Int32 = 0
      func decompose(_ scratch: UnsafeMutablePointer<Double>, _ size: Int32) {
        withExtendedLifetime((matrix, leftColumns, right)) {
          dgesdd_(
            "S", [m], [n], matrix.start, [m], &values, right.start, [m], leftColumns.start, [t], scratch, [size],
            integers, &info)
        }
      }
      var wanted = 0.0
      decompose(&wanted, -1)
      try check(info, "dgesdd")
      let size = try fortran(Int(wanted))
      let scratch = try Matrix<Double>(rows: 1, columns: Int(size))
      withExtendedLifetime(scratch) { decompose(scratch.start, size) }
      try check(info, "dgesdd")
      let noise = Double(max(rows, columns, longestSide)) * .ulpOfOne * values[0]
      for index in 0..<inner where values[index] <= noise { values[index] = 0 }
    }
    left = try leftColumns.transposed()
    self.values = values
    self.right = right
  }
}
