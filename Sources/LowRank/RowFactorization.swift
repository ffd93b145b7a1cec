import COpenBLAS

/// X = L·Q, a wide matrix as a small lower-trapezoidal one times orthonormal rows, by Householder reflections.
///
/// X is [n, width], L [n, t] and Q [t, width], with t = min(n, width). Q is kept as its reflections and never formed.
/// Row-major X is column-major Xᵀ, so this is LAPACK's QR of Xᵀ.
struct RowFactorization: Sendable {
  /// L, [n, t].
  let lower: Matrix<Double>

  /// The columns of Q.
  var width: Int { reflections.columns }

  private let reflections: Matrix<Double>
  private let blocks: Matrix<Double>

  init(_ matrix: consuming Matrix<Double>) throws {
    let (n, width) = (matrix.rows, matrix.columns)
    let inner = min(n, width)
    matrix.makeUnique()
    let blocks = try Matrix<Double>(rows: inner, columns: max(1, min(32, inner)))
    if inner > 0 {
      let (m, n, size) = try (fortran(width), fortran(n), fortran(blocks.columns))
      let scratch = try Matrix<Double>(rows: matrix.rows, columns: blocks.columns)
      var info: Int32 = 0
      OpenBLAS.prepare()
      withExtendedLifetime((matrix, blocks, scratch)) {
        dgeqrt_([m], [n], [size], matrix.start, [m], blocks.start, [size], scratch.start, &info)
      }
      try check(info, "dgeqrt")
    }
    lower = try Matrix(rows: n, columns: inner) { target in
      target.initialize(repeating: 0)
      matrix.withUnsafeBufferPointer { source in
        for row in 0..<n {
          for column in 0..<min(row + 1, inner) { target[row * inner + column] = source[row * width + column] }
        }
      }
    }
    reflections = matrix
    self.blocks = blocks
  }

  /// Q itself, [t, width].
  func orthonormalRows() throws -> Matrix<Double> {
    let inner = lower.columns
    return try expand(
      Matrix(rows: inner, columns: inner) { target in
        target.initialize(repeating: 0)
        for index in 0..<inner { target[index * (inner + 1)] = 1 }
      })
  }

  /// Y·Q, [k, width], for Y [k, t].
  func expand(_ rows: Matrix<Double>) throws -> Matrix<Double> {
    let (inner, width) = (lower.columns, reflections.columns)
    precondition(rows.columns == inner, "only combinations of the orthonormal rows can be expanded")
    let result = try Matrix<Double>(rows: rows.rows, columns: width) { target in
      target.initialize(repeating: 0)
      rows.withUnsafeBufferPointer { source in
        for row in 0..<rows.rows {
          for column in 0..<inner { target[row * width + column] = source[row * inner + column] }
        }
      }
    }
    guard inner > 0, rows.rows > 0 else { return result }
    let (m, n, k) = try (fortran(width), fortran(rows.rows), fortran(inner))
    let size = try fortran(blocks.columns)
    let scratch = try Matrix<Double>(rows: rows.rows, columns: blocks.columns)
    var info: Int32 = 0
    OpenBLAS.prepare()
    withExtendedLifetime((reflections, blocks, result, scratch)) {
      dgemqrt_(
        "L", "N", [m], [n], [k], [size], reflections.start, [m], blocks.start, [size], result.start, [m], scratch.start,
        &info)
    }
    try check(info, "dgemqrt")
    return result
  }
}
