import COpenBLAS

/// The eigenvalues of a symmetric matrix, largest first, with their vectors as rows.
struct SymmetricEigen: Sendable {
  let values: [Double]
  let vectors: Matrix<Double>

  /// Decomposes X [n, n], of which only one triangle is read.
  ///
  /// - throws: ``Failure`` `badData` when the iteration does not converge.
  init(_ matrix: consuming Matrix<Double>) throws {
    let n = matrix.rows
    precondition(n == matrix.columns, "only square matrices have eigenvalues")
    matrix.makeUnique()
    var rising = [Double](repeating: 0, count: n)
    if n > 0 {
      OpenBLAS.prepare()
      let order = try fortran(n)
      var info: Int32 = 0
      func decompose(_ scratch: UnsafeMutablePointer<Double>, _ size: Int32, _ integers: inout [Int32], _ count: Int32)
      {
        withExtendedLifetime(matrix) {
          dsyevd_("V", "U", [order], matrix.start, [order], &rising, scratch, [size], &integers, [count], &info)
        }
      }
      var wanted = 0.0
      var integers: [Int32] = [0]
      decompose(&wanted, -1, &integers, -1)
      try check(info, "dsyevd")
      let size = try fortran(Int(wanted))
      let scratch = try Matrix<Double>(rows: 1, columns: Int(size))
      integers = [Int32](repeating: 0, count: Int(integers[0]))
      let count = try fortran(integers.count)
      withExtendedLifetime(scratch) { decompose(scratch.start, size, &integers, count) }
      try check(info, "dsyevd")
    }
    values = rising.reversed()
    vectors = try Matrix(rows: n, columns: n) { target in
      matrix.withUnsafeBufferPointer { source in
        for row in 0..<n {
          let line = source[(n - 1 - row) * n..<(n - row) * n]
          _ = UnsafeMutableBufferPointer(rebasing: target[row * n..<(row + 1) * n]).initialize(fromContentsOf: line)
        }
      }
    }
  }
}
