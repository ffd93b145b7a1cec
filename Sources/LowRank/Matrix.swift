import Diagnostics

/// A dense matrix: row-major, contiguous, with value semantics.
///
/// Copies share their storage until one of them is written to. The storage starts at a multiple of 64 bytes, so that
/// the sums of BLAS do not depend on where the allocator put it.
public struct Matrix<Scalar: LinearAlgebraScalar>: Sendable {
  public let rows: Int
  public let columns: Int
  private(set) var storage: MatrixStorage<Scalar>

  /// A matrix of zeros.
  ///
  /// - throws: ``Failure`` `badData` for impossible sizes: negative ones, or more bytes than can be counted.
  public init(rows: Int, columns: Int) throws {
    try self.init(rows: rows, columns: columns) { $0.initialize(repeating: 0) }
  }

  /// A matrix of the given elements, row after row.
  ///
  /// - throws: ``Failure`` `badData` unless there are rows · columns elements.
  public init(rows: Int, columns: Int, _ elements: some Collection<Scalar>) throws {
    guard rows >= 0, columns >= 0, rows.multipliedReportingOverflow(by: columns) == (elements.count, false) else {
      throw Failure(.badData, "shape mismatch: \(elements.count) numbers for a matrix of \(rows) × \(columns)")
    }
    try self.init(rows: rows, columns: columns) { _ = $0.initialize(fromContentsOf: elements) }
  }

  /// A matrix whose elements are all written by `fill`, which gets an uninitialized buffer.
  ///
  /// - throws: ``Failure`` `badData` as ``init(rows:columns:)``, and whatever `fill` throws.
  public init(rows: Int, columns: Int, filledBy fill: (UnsafeMutableBufferPointer<Scalar>) throws -> Void) throws {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !overflow, count < Int.max / MemoryLayout<Scalar>.stride - 64 else {
      throw Failure(.badData, "invalid matrix size \(rows) × \(columns)")
    }
    self.rows = rows
    self.columns = columns
    guard let storage = MatrixStorage<Scalar>(count: count) else {
      throw Failure(
        .noResources, "out of memory for a matrix of \(rows) × \(columns)",
        advice: "use fewer threads (--threads), end other programs, or raise the limit on memory (ulimit -v)")
    }
    self.storage = storage
    try fill(storage.elements)
  }

  /// The first rows, in the same storage.
  func prefix(rows kept: Int) -> Matrix {
    precondition(kept >= 0 && kept <= rows, "rows out of bounds")
    return Matrix(rows: kept, columns: columns, storage: storage)
  }

  private init(rows: Int, columns: Int, storage: MatrixStorage<Scalar>) {
    (self.rows, self.columns, self.storage) = (rows, columns, storage)
  }

  /// The number of elements.
  public var count: Int { rows * columns }

  /// The elements, row after row.
  public var elements: [Scalar] { withUnsafeBufferPointer { Array($0) } }

  /// - precondition: The row and the column are in bounds.
  public subscript(row: Int, column: Int) -> Scalar {
    get { withUnsafeBufferPointer { $0[place(row, column)] } }
    set {
      let place = place(row, column)
      withUnsafeMutableBufferPointer { $0[place] = newValue }
    }
  }

  private func place(_ row: Int, _ column: Int) -> Int {
    precondition(row >= 0 && row < rows && column >= 0 && column < columns, "element out of bounds")
    return row * columns + column
  }

  /// Calls `body` with the elements in place, row after row.
  public func withUnsafeBufferPointer<Result>(
    _ body: (UnsafeBufferPointer<Scalar>) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(storage) { try body(UnsafeBufferPointer(start: storage.start, count: count)) }
  }

  /// Calls `body` with the elements in place, for writing.
  public mutating func withUnsafeMutableBufferPointer<Result>(
    _ body: (UnsafeMutableBufferPointer<Scalar>) throws -> Result
  ) rethrows -> Result {
    makeUnique()
    return try withExtendedLifetime(storage) {
      try body(UnsafeMutableBufferPointer(start: storage.start, count: count))
    }
  }

  /// Makes the storage unique. Must be called before writing through ``start``.
  mutating func makeUnique() {
    guard !isKnownUniquelyReferenced(&storage) else { return }
    guard let copy = MatrixStorage<Scalar>(count: count) else { fatalError("out of memory while copying a matrix") }
    copy.start.initialize(from: storage.start, count: count)
    storage = copy
  }

  /// The address of the elements, for calls into BLAS and LAPACK; the caller keeps the matrix alive.
  var start: UnsafeMutablePointer<Scalar> { storage.start }
}

extension Matrix: Equatable {
  public static func == (left: Matrix, right: Matrix) -> Bool {
    left.rows == right.rows && left.columns == right.columns
      && left.withUnsafeBufferPointer { mine in right.withUnsafeBufferPointer { mine.elementsEqual($0) } }
  }
}

/// The memory of a matrix, freed with its last owner.
///
/// Unchecked because ``Matrix`` writes to it only while it has one owner.
final class MatrixStorage<Scalar: LinearAlgebraScalar>: @unchecked Sendable {
  let start: UnsafeMutablePointer<Scalar>
  private let count: Int

  private let block: MemoryBlock

  /// Nil if there is no memory.
  init?(count: Int) {
    guard let block = MemoryBlock(byteCount: count * MemoryLayout<Scalar>.stride) else { return nil }
    self.block = block
    start = block.start.bindMemory(to: Scalar.self, capacity: max(count, 1))
    self.count = count
  }

  var elements: UnsafeMutableBufferPointer<Scalar> { UnsafeMutableBufferPointer(start: start, count: count) }

  deinit { block.giveBack() }
}
