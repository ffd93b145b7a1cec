import CKernels
import Models

/// Products of frozen matrices with panels. A matrix that is not stored in float32 is widened a few rows at a time, and never
/// entirely in memory.
final class Products {
  private let scratch: FloatBlock?

  /// The number of rows widened at a time: as many as are processed together, so that it does not affect the sums.
  private static let rows = Int(CLUES_BLOCK_ROWS)
  private static let depth = Int(CLUES_BLOCK_DEPTH)

  /// - parameter columns: The maximum number of columns of a matrix that must be widened; 0 if there is none.
  init(widest columns: Int) throws {
    scratch = columns > 0 ? try FloatBlock(columns, max(Self.rows, Self.depth)) : nil
  }

  /// Y = W·X, or Y += W·X.
  func multiply(_ w: WeightMatrix, _ x: Panels, into y: Panels, _ panels: Int, adds: Bool = false) throws {
    for rows in w.needsScratch ? blocks(w.rowCount, Self.rows) : [0..<w.rowCount] {
      try withRows(rows, of: w) {
        multiply($0, rows: rows.count, depth: w.columnCount, x, into: y, at: rows.lowerBound, panels, adds: adds)
      }
    }
  }

  /// The same for a matrix in memory, from a feature of x on, into the rows of y from `first` on.
  func multiply(
    _ w: UnsafePointer<Float>, rows: Int, depth: Int, _ x: Panels, from feature: Int = 0, into y: Panels,
    at first: Int = 0, _ panels: Int, adds: Bool
  ) {
    clues_multiply(w, depth, rows, depth, x.row(feature), x.stride, y.row(first), y.stride, panels, adds ? 1 : 0)
  }

  /// Y = Wᵀ·X, or Y += Wᵀ·X.
  func multiplyTransposed(_ w: WeightMatrix, _ x: Panels, into y: Panels, _ panels: Int, adds: Bool = false) throws {
    for rows in w.needsScratch ? blocks(w.rowCount, Self.depth) : [0..<w.rowCount] {
      try withRows(rows, of: w) {
        multiplyTransposed(
          $0, rows: w.columnCount, depth: rows.count, x, from: rows.lowerBound, into: y, panels,
          adds: adds || rows.lowerBound > 0)
      }
    }
  }

  /// The same for a matrix in memory, [depth, rows].
  func multiplyTransposed(
    _ w: UnsafePointer<Float>, rows: Int, depth: Int, _ x: Panels, from feature: Int = 0, into y: Panels,
    at first: Int = 0, _ panels: Int, adds: Bool
  ) {
    clues_multiply_transposed(
      w, rows, rows, depth, x.row(feature), x.stride, y.row(first), y.stride, panels, adds ? 1 : 0)
  }

  func withRows<Result>(
    _ rows: Range<Int>, of w: WeightMatrix, _ body: (UnsafePointer<Float>) throws -> Result
  ) throws -> Result {
    try w.withFloats(rows, scratch: scratch?.start, body)
  }
}

/// Ranges of at most `most` that cover `count`, of about the same length.
func blocks(_ count: Int, _ most: Int) -> [Range<Int>] {
  let pieces = (count + most - 1) / most
  guard pieces > 0 else { return [] }
  let length = (count + pieces - 1) / pieces
  return stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
}
