import CKernels
import Diagnostics
import Tensors

/// A frozen matrix as stored; its rows are converted to float32 when needed.
package struct WeightMatrix: Sendable {
  package let rowCount: Int
  package let columnCount: Int

  /// Whether the rows are widened into the scratch memory.
  package let needsScratch: Bool

  private let stored: StoredTensor
  private let order: RowOrder

  /// The order of the rows in the file.
  enum RowOrder: Equatable {
    case asTheyAre

    /// For each head, with this many rows, the two rows of a rotated pair are adjacent, instead of half a head apart: GGUF's
    /// order for queries and keys of the architecture `llama`.
    case pairedWithinHeads(of: Int)

    /// The order of queries and keys in a GGUF file of an architecture.
    static func ofQueriesAndKeys(inGGUF architecture: String, headWidth: Int) -> Self {
      architecture == "llama" ? .pairedWithinHeads(of: headWidth) : .asTheyAre
    }

    /// The index in the file of the row `row`.
    func source(of row: Int) -> Int {
      switch self {
      case .asTheyAre: return row
      case .pairedWithinHeads(let width):
        let (head, place) = row.quotientAndRemainder(dividingBy: width)
        let (half, pair) = place.quotientAndRemainder(dividingBy: width / 2)
        return head * width + 2 * pair + half
      }
    }
  }

  /// A matrix whose rows are those of `tensor`, [rows, columns], of floating-point numbers.
  package init(_ tensor: Tensor) {
    guard let format = WeightFormat(tensor.dtype) else { preconditionFailure("no weights are \(tensor.dtype)") }
    self.init(StoredTensor(format: format, shape: tensor.shape, bytes: tensor.bytes, file: ""))
  }

  init(_ stored: StoredTensor, order: RowOrder = .asTheyAre) {
    precondition(stored.shape.count == 2, "a matrix has two axes")
    self.stored = stored
    self.order = order
    rowCount = stored.shape[0]
    columnCount = stored.shape[1]
    // Tensors of a safetensors file start wherever its header ends.
    let isAligned = stored.bytes.withUnsafeBytes {
      Int(bitPattern: $0.baseAddress) % MemoryLayout<Float>.alignment == 0
    }
    needsScratch = stored.format != .f32 || !isAligned || order != .asTheyAre
  }

  /// Passes `rows` as float32, row by row: in place if they are stored so, otherwise widened into `scratch`, which has room
  /// for rows.count · columnCount.
  package func withFloats<Result>(
    _ rows: Range<Int>, scratch: UnsafeMutablePointer<Float>?,
    _ body: (UnsafePointer<Float>) throws -> Result
  ) throws -> Result {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "there are no such rows")
    return try stored.bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { preconditionFailure("a matrix without elements lends none") }
      if !needsScratch {
        return try body(start.assumingMemoryBound(to: Float.self) + rows.lowerBound * columnCount)
      }
      guard let scratch else { preconditionFailure("rows that are widened want a scratch") }
      widen(rows, from: start, into: scratch)
      return try body(scratch)
    }
  }

  private func widen(_ rows: Range<Int>, from start: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>) {
    let rowSize = stored.bytes.count / rowCount
    switch order {
    case .asTheyAre:
      stored.format.widen(start + rows.lowerBound * rowSize, count: rows.count * columnCount, into: target)
    case .pairedWithinHeads:
      for (place, row) in rows.enumerated() {
        let source = start + order.source(of: row) * rowSize
        stored.format.widen(source, count: columnCount, into: target + place * columnCount)
      }
    }
  }

  /// Whether no element is NaN or infinite; reads the whole matrix.
  package func isFinite() -> Bool {
    let rows = max(1, min(rowCount, 1 << 16 / max(1, columnCount)))
    let scratch = UnsafeMutablePointer<Float>.allocate(capacity: rows * columnCount)
    defer { scratch.deallocate() }
    return stored.bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return true }
      return stride(from: 0, to: rowCount, by: rows).allSatisfy { first in
        let part = first..<min(first + rows, rowCount)
        widen(part, from: start, into: scratch)
        return clues_all_finite(scratch, part.count * columnCount) != 0
      }
    }
  }
}
