import CKernels
import PluginKit

/// Which entries of a matrix are kept.
enum Mask: BitwiseCopyable {
  case all
  case nothing
  /// Those that come early enough by falling magnitude, but not too early.
  case between(outer: clues_cut, inner: clues_cut)
  /// Those whose random number is below the share.
  case drawn(share: Double, stream: UInt64)
  /// Those whose random number is below a share that falls with the magnitude within the row.
  case ranked(RankedShares, stream: UInt64)
}

/// Some rows of a matrix with a mask, provided a few at a time.
struct MaskedMatrix {
  let elements: UnsafeBufferPointer<Float>
  let columns: Int
  /// The index of the first row in the masked matrix.
  var firstRow = 0
  let mask: Mask
  /// What the mask uses instead of the elements.
  var keys: UnsafeBufferPointer<Float>? = nil
  let host: Host

  /// Some rows for the sums over matrices, which check magnitudes themselves; random draws are made here, in `scratch`.
  ///
  /// - parameter lines: Counted from ``firstRow``.
  func maskedInput(_ lines: Range<Int>, scratch: UnsafeMutablePointer<Float>) -> clues_masked_input {
    let (offset, count) = (lines.lowerBound * columns, lines.count * columns)
    let first = firstRow * columns + offset
    let source = elements.baseAddress! + offset
    var maskedInput = clues_masked_input(values: source, keys: source, outer: .all, inner: .none)
    switch mask {
    case .all: break
    case .nothing: maskedInput.outer = .none
    case .between(let outer, let inner):
      (maskedInput.outer, maskedInput.inner) = (outer, inner)
      if let keys { maskedInput.keys = keys.baseAddress! + offset }
    case .drawn(let share, let stream):
      withDraws(stream, first, count) { clues_keep_drawn(source, $0, count, threshold(of: share), scratch) }
    case .ranked(let shares, let stream):
      withDraws(stream, first, count) { draws in
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * columns) { room in
          guard let room = room.baseAddress else { return }
          for row in 0..<lines.count {
            let start = row * columns
            clues_keep_ranked(
              source + start, draws + start, columns, shares.density, shares.epsilon, shares.isInverse ? 1 : 0, room,
              scratch + start)
          }
        }
      }
    }
    if needsScratch { (maskedInput.values, maskedInput.keys) = (UnsafePointer(scratch), UnsafePointer(scratch)) }
    return maskedInput
  }

  /// Whether ``maskedInput(_:scratch:)`` writes to `scratch`.
  var needsScratch: Bool {
    switch mask {
    case .all, .nothing, .between: false
    case .drawn, .ranked: true
    }
  }

  /// The entries of some rows, with zeros for those that are not kept: in place, or in `scratch`.
  ///
  /// - parameter lines: Counted from ``firstRow``.
  func rows(_ lines: Range<Int>, scratch: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
    var maskedInput = maskedInput(lines, scratch: scratch)
    switch mask {
    case .all, .drawn, .ranked: return maskedInput.values
    case .nothing, .between:
      var (weightedInput, room) = (clues_weighted_input(factor: 1, share: 0, vote: 0), clues_range())
      let first = UInt64((firstRow + lines.lowerBound) * columns)
      clues_sum(&maskedInput, &weightedInput, 1, first, lines.count * columns, 1, &room, scratch)
      return UnsafePointer(scratch)
    }
  }

  /// Provides 32 random bits for each of some entries; they depend only on the stream and the entry's index.
  private func withDraws(_ stream: UInt64, _ first: Int, _ count: Int, _ body: (UnsafePointer<UInt32>) -> Void) {
    let words = first / 2..<(first + count + 1) / 2
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words.count) { buffer in
      host.fill(buffer, stream: stream, offset: UInt64(words.lowerBound))
      buffer.withMemoryRebound(to: UInt32.self) { body($0.baseAddress! + first % 2) }
    }
  }
}

/// Σ|x| of all entries divided by that of the kept ones, the factor that preserves the sum of magnitudes; 1 if none is kept.
func absoluteRatio(of rows: MatrixRows, _ mask: Mask, host: Host) throws -> Double {
  var (whole, kept) = (0.0, 0.0)
  let columns = rows.columns
  try forEachPiece(of: rows) { first, elements in
    let matrix = MaskedMatrix(elements: elements, columns: columns, firstRow: first, mask: mask, host: host)
    try forEachTile(of: elements.count / max(1, columns), columns: columns, inputs: 1, host: host) { lines, scratch in
      whole += clues_absolute_sum(elements.baseAddress! + lines.lowerBound * columns, lines.count * columns)
      kept += clues_absolute_sum(matrix.rows(lines, scratch: scratch), lines.count * columns)
    }
  }
  return kept > 0 ? whole / kept : 1
}

/// The bound below which a random 32-bit word lies with this probability, which is below 1.
func threshold(of share: Double) -> UInt32 { UInt32(max(0, min(share * 0x1p32, 0x1p32 - 1))) }

/// The number of rows in a tile.
private func tileHeight(_ columns: Int) -> Int { max(1, 8192 / max(1, columns)) }

/// Calls `body` with some rows at a time, whole tiles, and the index of the first.
func forEachPiece(of rows: MatrixRows, _ body: (Int, UnsafeBufferPointer<Float>) throws -> Void) throws {
  try rows.forEach(16 * tileHeight(rows.columns)) { try body($0.lowerBound, $1) }
}

/// Calls `body` with some rows at a time, and with room for as many entries of each input.
func forEachTile(
  of rows: Int, columns: Int, inputs: Int, host: Host,
  _ body: (Range<Int>, UnsafeMutablePointer<Float>) throws -> Void
) throws {
  let height = tileHeight(columns)
  let scratch = UnsafeMutablePointer<Float>.allocate(capacity: max(1, min(height, rows) * columns * inputs))
  scratch.initialize(repeating: 0, count: min(height, rows) * columns * inputs)
  defer { scratch.deallocate() }
  for start in stride(from: 0, to: columns == 0 ? 0 : rows, by: height) {
    try host.checkCancellation()
    try body(start..<min(start + height, rows), scratch)
  }
}
