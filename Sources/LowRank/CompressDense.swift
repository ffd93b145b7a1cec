import Diagnostics

/// The best factors of a given rank for a dense matrix, [out, in], and the energy they leave out.
///
/// - parameter threads: The number of threads; no bit depends on it.
/// - throws: ``Failure`` `badData` if a number is NaN or infinite, if the decomposition does not converge or the sizes are
///   beyond LAPACK; `usage` for an invalid rank or tolerance.
public func compress(
  dense matrix: Matrix<Float>, to rank: Rank, by method: DenseMethod, threads: Int = 1
) throws -> Compression {
  try rank.validate()
  let `operator` = DenseOperator(matrix, threads: threads)
  let energy = `operator`.energy
  // Squares of float32 numbers do not leave the range of float64.
  guard energy.isFinite else { throw Failure(.badData, "contains NaN or infinite numbers") }
  if case .sketched(let stream, let tolerance) = method {
    guard tolerance > 0, tolerance < 1 else {
      throw Failure(.usage, "invalid tolerance \(tolerance)", advice: "use a value between 0 and 1")
    }
    if let sketch = try Sketch(of: `operator`, energy: energy, for: rank, tolerance: tolerance, stream: stream) {
      return try sketch.compression()
    }
  }
  let longest = max(matrix.rows, matrix.columns)
  return try truncate(core: matrix.widened(), left: .unit, right: .unit, longestSide: longest, to: rank)
}
