import CluesPluginABI

/// The positions and the type of the elements of a matrix.
struct MatrixLayout {
  let rows: Int
  let columns: Int
  let dtype: clues_dtype
  let rank: UInt32
  private let layout: CallScript.Layout

  init(rows: Int, columns: Int, _ script: CallScript) {
    (self.rows, self.columns, dtype, rank, layout) = (rows, columns, script.dtype, script.rank, script.layout)
  }

  private static let gap = 3

  private var strides: (row: Int, column: Int) {
    switch layout {
    case .packed: (columns, 1)
    case .spaced: (columns + Self.gap, 1)
    case .transposed: (1, rows)
    }
  }

  var isContiguous: Bool { layout == .packed }

  var elementSize: Int {
    switch dtype {
    case CLUES_F64: 8
    case CLUES_F16, CLUES_BF16: 2
    default: 4
    }
  }

  private var elementCount: Int { layout == .spaced ? rows * strides.row : rows * columns }

  var size: Int { elementCount * elementSize }

  /// The shape and the strides, in elements; a rank other than two gets as many extents.
  var extents: (shape: [Int64], strides: [Int64]) {
    switch rank {
    case 0: ([], [])
    case 1: ([Int64(rows * columns)], [1])
    case 2: ([Int64(rows), Int64(columns)], [Int64(strides.row), Int64(strides.column)])
    default:
      (
        Array(repeating: 1, count: Int(rank) - 2) + [Int64(rows), Int64(columns)],
        Array(repeating: Int64(rows * columns), count: Int(rank) - 2) + [Int64(columns), 1]
      )
    }
  }

  /// The elements' positions, row by row.
  var places: [Int] {
    (0..<rows).flatMap { row in (0..<columns).map { row * strides.row + $0 * strides.column } }
  }

  func store(_ value: Float, at offset: Int, of data: UnsafeMutableRawPointer) {
    switch dtype {
    case CLUES_F64: data.storeBytes(of: Double(value), toByteOffset: offset * 8, as: Double.self)
    case CLUES_F16: data.storeBytes(of: Float16(value).bitPattern, toByteOffset: offset * 2, as: UInt16.self)
    case CLUES_BF16:
      // Truncated, not rounded: what is stored need not be the nearest value.
      data.storeBytes(of: UInt16(value.bitPattern >> 16), toByteOffset: offset * 2, as: UInt16.self)
    default: data.storeBytes(of: value, toByteOffset: offset * 4, as: Float.self)
    }
  }

  func number(at offset: Int, of data: UnsafeMutableRawPointer) -> Double {
    switch dtype {
    case CLUES_F64: data.load(fromByteOffset: offset * 8, as: Double.self)
    case CLUES_F16: Double(Float16(bitPattern: data.load(fromByteOffset: offset * 2, as: UInt16.self)))
    case CLUES_BF16:
      Double(Float(bitPattern: UInt32(data.load(fromByteOffset: offset * 2, as: UInt16.self)) << 16))
    default: Double(data.load(fromByteOffset: offset * 4, as: Float.self))
    }
  }

  /// The first element between the rows that has changed; nil if there is none.
  func firstSpoilt(_ data: UnsafeMutableRawPointer, fill: UInt8) -> Int? {
    guard layout == .spaced else { return nil }
    let owned = Set(places)
    return (0..<elementCount).first { offset in
      !owned.contains(offset)
        && (0..<elementSize).contains { data.load(fromByteOffset: offset * elementSize + $0, as: UInt8.self) != fill }
    }
  }
}
