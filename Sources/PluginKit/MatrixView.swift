/// A matrix that the host provides, row-major; valid only during the current call.
public struct MatrixView {
  public let rows: Int
  public let columns: Int

  /// The elements, row by row.
  public let elements: UnsafeBufferPointer<Float>

  public subscript(row: Int, column: Int) -> Float { elements[row * columns + column] }

  init(_ tensor: UnsafePointer<clues_tensor>) throws {
    (rows, columns, elements) = try contiguousElements(of: tensor)
  }

  private init() {
    (rows, columns, elements) = (0, 0, UnsafeBufferPointer(start: nil, count: 0))
  }

  static var empty: MatrixView { MatrixView() }
}

/// The matrix that a merge method fills, row-major; valid only during the current call.
public struct MutableMatrixView {
  public let rows: Int
  public let columns: Int

  /// The elements, row by row; uninitialized.
  public let elements: UnsafeMutableBufferPointer<Float>

  public subscript(row: Int, column: Int) -> Float {
    get { elements[row * columns + column] }
    nonmutating set { elements[row * columns + column] = newValue }
  }

  init(_ tensor: UnsafePointer<clues_tensor>?) throws {
    guard let tensor, tensor.pointee.flags & CLUES_TENSOR_WRITABLE.rawValue != 0 else {
      throw PluginError("the output is not writable", status: .invalidArgument)
    }
    let view = try contiguousElements(of: tensor)
    (rows, columns) = (view.rows, view.columns)
    elements = UnsafeMutableBufferPointer(mutating: view.elements)
  }
}

private func contiguousElements(
  of tensor: UnsafePointer<clues_tensor>?
) throws -> (rows: Int, columns: Int, elements: UnsafeBufferPointer<Float>) {
  guard let tensor = tensor?.pointee, tensor.struct_size >= CLUES_TENSOR_SIZE else {
    throw PluginError("a tensor is missing", status: .invalidArgument)
  }
  guard tensor.dtype == CLUES_F32 else {
    throw PluginError("elements of type \(tensor.dtype.rawValue) are not supported", status: .unsupported)
  }
  guard tensor.rank == 2, let shape = tensor.shape else {
    throw PluginError("a tensor of rank \(tensor.rank) is not a matrix", status: .unsupported)
  }
  guard tensor.flags & CLUES_TENSOR_CONTIGUOUS.rawValue != 0 else {
    throw PluginError("matrices with gaps are not supported", status: .unsupported)
  }
  let (rows, columns) = (Int(shape[0]), Int(shape[1]))
  return (
    rows, columns,
    UnsafeBufferPointer(
      start: tensor.data?.assumingMemoryBound(to: Float.self), count: tensor.data == nil ? 0 : rows * columns)
  )
}

/// The rows of a matrix that need not be entirely in memory; valid only during the current call.
public struct MatrixRows {
  public let rows: Int
  public let columns: Int
  private let elements: UnsafeBufferPointer<Float>
  private let input: Int
  private let host: Host

  init(_ tensor: UnsafePointer<clues_tensor>?, of input: Int, host: Host) throws {
    (rows, columns, elements) = try tensor.map { try contiguousElements(of: $0) } ?? (0, 0, .init(start: nil, count: 0))
    self.input = input
    self.host = host
  }

  /// The number of elements of the matrix.
  public var count: Int { rows * columns }

  /// Passes rows to `body`, at most `height` at a time, in order.
  ///
  /// - parameters:
  ///   - height: The maximum number of rows at a time.
  ///   - lines: The rows to pass; all by default.
  ///   - body: Receives which rows these are, and their elements in row-major order, valid during the call.
  public func forEach(
    _ height: Int, in lines: Range<Int>? = nil, _ body: (Range<Int>, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    let lines = lines ?? 0..<rows
    let height = max(1, min(height, lines.count))
    let isThere = elements.count == count
    let room = UnsafeMutableBufferPointer<Float>.allocate(capacity: isThere ? 0 : height * columns)
    defer { room.deallocate() }
    for first in stride(from: lines.lowerBound, to: lines.upperBound, by: height) {
      try host.checkCancellation()
      let some = first..<min(first + height, lines.upperBound)
      if isThere {
        try body(some, UnsafeBufferPointer(rebasing: elements[some.lowerBound * columns..<some.upperBound * columns]))
      } else if let start = room.baseAddress {
        try host.read(some, of: input, into: start)
        try body(some, UnsafeBufferPointer(start: start, count: some.count * columns))
      }
    }
  }
}
