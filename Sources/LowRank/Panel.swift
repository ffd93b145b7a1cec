import Diagnostics

/// Consecutive rows of a matrix, as an operand of a product; it keeps the matrix alive, and can be read transposed.
struct Panel<Scalar: LinearAlgebraScalar> {
  private(set) var rows: Int
  private(set) var columns: Int
  private(set) var isTransposed = false
  let stride: Int
  fileprivate let start: UnsafeMutablePointer<Scalar>
  fileprivate let storage: MatrixStorage<Scalar>

  /// A panel of rows `lines` of `matrix`, restricted to columns `span`.
  fileprivate init(_ matrix: Matrix<Scalar>, rows lines: Range<Int>, columns span: Range<Int>) {
    precondition(lines.lowerBound >= 0 && lines.upperBound <= matrix.rows, "rows out of bounds")
    precondition(span.lowerBound >= 0 && span.upperBound <= matrix.columns, "columns out of bounds")
    (rows, columns, stride, storage) = (lines.count, span.count, matrix.columns, matrix.storage)
    // An empty panel may begin beyond the last element; its address is never used.
    start = matrix.start + lines.lowerBound * matrix.columns + span.lowerBound
  }

  var transposed: Panel {
    var copy = self
    (copy.rows, copy.columns, copy.isTransposed) = (columns, rows, !isTransposed)
    return copy
  }
}

extension Matrix {
  /// A part of the matrix as an operand.
  func panel(rows lines: Range<Int>? = nil, columns span: Range<Int>? = nil) -> Panel<Scalar> {
    Panel(self, rows: lines ?? 0..<rows, columns: span ?? 0..<columns)
  }

  /// The whole matrix as an operand.
  var whole: Panel<Scalar> { panel() }

  /// Writes left · right into a part of this matrix, or adds it to the present contents.
  ///
  /// - throws: ``Failure`` `badData` for sizes that BLAS cannot count.
  /// - precondition: The sizes match.
  mutating func set(
    rows lines: Range<Int>? = nil, columns span: Range<Int>? = nil, to left: Panel<Scalar>, times right: Panel<Scalar>,
    accumulating: Bool = false
  ) throws {
    // The write below bypasses copy-on-write, so the storage is made unique first.
    makeUnique()
    try multiply(left, right, into: panel(rows: lines, columns: span), accumulating: accumulating)
  }
}

/// left · right as a new matrix.
func product<Scalar>(_ left: Panel<Scalar>, _ right: Panel<Scalar>) throws -> Matrix<Scalar> {
  let result = try Matrix<Scalar>(rows: left.rows, columns: right.columns) { _ in }
  try multiply(left, right, into: result.whole, accumulating: false)
  return result
}

/// Writes left · right to a panel, or adds it to the present contents. It bypasses copy-on-write, so the caller must be the
/// only owner of the matrix.
func multiply<Scalar>(
  _ left: Panel<Scalar>, _ right: Panel<Scalar>, into target: Panel<Scalar>, accumulating: Bool
) throws {
  precondition(left.columns == right.rows, "the inner sizes of a product differ")
  precondition(
    target.rows == left.rows && target.columns == right.columns, "the size of a product differs from that of its target"
  )
  guard target.rows > 0, target.columns > 0 else { return }
  guard left.columns > 0 else {
    guard !accumulating else { return }
    for row in 0..<target.rows { (target.start + row * target.stride).update(repeating: 0, count: target.columns) }
    return
  }
  let (m, n, k) = try (fortran(target.rows), fortran(target.columns), fortran(left.columns))
  let (leftStride, rightStride, stride) = try (fortran(left.stride), fortran(right.stride), fortran(target.stride))
  withExtendedLifetime((left.storage, right.storage, target.storage)) {
    Scalar.gemm(
      transposing: (left.isTransposed, right.isTransposed), m: m, n: n, k: k, a: left.start, aStride: leftStride,
      b: right.start, bStride: rightStride, accumulating: accumulating, c: target.start, cStride: stride)
  }
}
