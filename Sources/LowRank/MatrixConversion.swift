import CKernels
import Diagnostics
import Tensors

extension Matrix {
  /// The transpose.
  public func transposed() throws -> Matrix {
    try Matrix(rows: columns, columns: rows) { target in
      withUnsafeBufferPointer { transpose($0, rows: rows, columns: columns, into: target) { $0 } }
    }
  }
}

extension Matrix {
  /// Writes the rows of another matrix of the same width over some of these.
  mutating func replace(rows lines: Range<Int>, by other: Matrix) {
    precondition(lines.count == other.rows && columns == other.columns, "the sizes of the rows differ")
    let places = lines.lowerBound * columns..<lines.upperBound * columns
    withUnsafeMutableBufferPointer { target in
      other.withUnsafeBufferPointer { _ = target[places].update(fromContentsOf: $0) }
    }
  }
}

extension Matrix<Float> {
  /// The same numbers in double precision.
  public func widened() throws -> Matrix<Double> {
    try Matrix<Double>(rows: rows, columns: columns) { target in
      withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        clues_f32_to_f64(from, to, source.count)
      }
    }
  }
}

extension Matrix<Double> {
  /// The numbers rounded to single precision.
  ///
  /// - parameter losing: Whether numbers may be lost because all of them are below the range of float32.
  /// - throws: ``Failure`` `badData` if one is out of range or not finite, or if they may not be lost, but are.
  public func narrowed(losing: Bool = false) throws -> Matrix<Float> {
    if !losing { try checkNotLost() }
    return try Matrix<Float>(rows: rows, columns: columns) { target in
      withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        clues_f64_to_f32(from, to, source.count)
      }
    }.checkedFinite()
  }

  /// The transpose, rounded to single precision.
  ///
  /// - throws: as ``narrowed()``.
  func narrowedAndTransposed() throws -> Matrix<Float> {
    try checkNotLost()
    return try Matrix<Float>(rows: columns, columns: rows) { target in
      withUnsafeBufferPointer { transpose($0, rows: rows, columns: columns, into: target) { Float($0) } }
    }.checkedFinite()
  }
}

extension Matrix<Double> {
  private func checkNotLost() throws {
    guard !withUnsafeBufferPointer({ isLostInFloat32($0) }) else { throw Failure.belowFloat32 }
  }
}

extension Failure {
  /// The refusal of a result that float32 would hold only in part, or as zeros.
  public static let belowFloat32 = Failure(
    .badData, "the result has numbers below the range of float32, which would be lost",
    advice: "raise the weights or the scaling, or leave out clients whose updates are this small (--without)")
}

extension Matrix<Float> {
  func checkedFinite() throws -> Matrix {
    guard withUnsafeBufferPointer(allFinite) else {
      throw Failure(
        .badData, "the result has numbers beyond the range of float32", advice: "lower the weights or the scaling")
    }
    return self
  }
}

/// Whether no number is NaN or infinite.
func allFinite(_ numbers: UnsafeBufferPointer<Float>) -> Bool {
  numbers.baseAddress.map { clues_all_finite($0, numbers.count) != 0 } ?? true
}

/// Writes the transpose of a row-major matrix, in blocks that stay in the nearest cache.
@inline(__always)
func transpose<Source: BitwiseCopyable, Target: BitwiseCopyable>(
  _ source: UnsafeBufferPointer<Source>, rows: Int, columns: Int, into target: UnsafeMutableBufferPointer<Target>,
  converting convert: (Source) -> Target
) {
  guard !source.isEmpty, let from = source.baseAddress, let to = target.baseAddress else { return }
  let edge = 32
  for top in stride(from: 0, to: rows, by: edge) {
    for left in stride(from: 0, to: columns, by: edge) {
      let bottom = min(top + edge, rows)
      for column in left..<min(left + edge, columns) {
        for row in top..<bottom {
          (to + column * rows + row).initialize(to: convert(from[row * columns + column]))
        }
      }
    }
  }
}
