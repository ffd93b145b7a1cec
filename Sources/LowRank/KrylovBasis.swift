import Tensors

/// A growing orthonormal basis Q of the directions of a dense matrix M, kept as rows, with C = Q·M and C·Cᵀ.
struct KrylovBasis {
  private let matrix: DenseOperator
  private var rows: Matrix<Double>
  private var projected: Matrix<Double>
  private var products: Matrix<Double>

  /// The number of directions.
  private(set) var count = 0

  /// - parameter capacity: The initial capacity in directions.
  init(_ matrix: DenseOperator, capacity: Int) throws {
    self.matrix = matrix
    rows = try Matrix(rows: capacity, columns: matrix.out) { _ in }
    projected = try Matrix(rows: capacity, columns: matrix.in) { _ in }
    products = try Matrix(rows: capacity, columns: capacity) { _ in }
  }

  /// Doubles the capacity if there is no room for `more`.
  private mutating func reserve(_ more: Int) throws {
    guard count + more > rows.rows else { return }
    var larger = try KrylovBasis(matrix, capacity: max(2 * rows.rows, count + more))
    larger.rows.replace(rows: 0..<count, by: rows.prefix(rows: count))
    larger.projected.replace(rows: 0..<count, by: projected.prefix(rows: count))
    let (size, width) = (products.columns, larger.products.columns)
    larger.products.withUnsafeMutableBufferPointer { target in
      products.withUnsafeBufferPointer { source in
        for row in 0..<count {
          _ = target[row * width..<row * width + count].update(fromContentsOf: source[row * size..<row * size + count])
        }
      }
    }
    larger.count = count
    self = larger
  }

  /// The directions of M on random vectors, orthonormal.
  func firstBlock(height: Int, stream: RandomStream) throws -> Matrix<Double> {
    let random = try Matrix<Double>(rows: height, columns: matrix.in) { target in
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: target.count) { words in
        stream.fill(words, from: 0)
        // Uniform between −1 and 1: as good as normal numbers here, and the same bits on every machine.
        for index in 0..<words.count {
          target.initializeElement(at: index, to: Double(Int64(bitPattern: words[index])) * 0x1p-63)
        }
      }
    }
    return try orthonormalized(matrix.applied(to: random)).rows
  }

  /// Adds directions, orthonormal to the existing ones.
  ///
  /// - returns: directions to add next, those of M·Mᵀ on the given ones, and their coupling S: M·Mᵀ·block, less what lies in
  ///   the basis, is S times orthonormal rows.
  mutating func extend(by block: Matrix<Double>) throws -> (next: Matrix<Double>, coupling: Matrix<Double>) {
    try reserve(block.rows)
    let added = count..<count + block.rows
    let image = try matrix.transposeApplied(to: block)
    rows.replace(rows: added, by: block)
    projected.replace(rows: added, by: image)
    count = added.upperBound
    try products.set(
      rows: added, columns: 0..<count, to: image.whole, times: projected.panel(rows: 0..<count).transposed)
    let (next, coupling) = try orthonormalized(matrix.applied(to: image))
    return (next, coupling)
  }

  /// C·Cᵀ; only the lower triangle is used.
  func gram() throws -> Matrix<Double> {
    try Matrix(rows: count, columns: count) { target in
      products.withUnsafeBufferPointer { source in
        for row in 0..<count {
          for column in 0..<count {
            target.initializeElement(at: row * count + column, to: source[row * products.columns + column])
          }
        }
      }
    }
  }

  /// Q [count, out] and C [count, in], which leave the basis for their new owner.
  mutating func finish() throws -> (basis: Matrix<Double>, projection: Matrix<Double>) {
    let results = (rows.prefix(rows: count), projected.prefix(rows: count))
    self = try KrylovBasis(matrix, capacity: 0)
    return results
  }

  /// Y less what lies in the basis, as a lower-triangular matrix times orthonormal rows.
  private func orthonormalized(_ block: Matrix<Double>) throws -> (rows: Matrix<Double>, coupling: Matrix<Double>) {
    let factorization = try RowFactorization(outsideOfBasis(block))
    // If Y is in the basis up to rounding, its rows consist of that rounding and must be orthogonalized again.
    let cleaned = try RowFactorization(outsideOfBasis(factorization.orthonormalRows()))
    return try (cleaned.orthonormalRows(), factorization.lower)
  }

  /// Y·(1 − QᵀQ), applied twice, because once leaves rounding.
  private func outsideOfBasis(_ block: Matrix<Double>) throws -> Matrix<Double> {
    var rest = block
    let basis = rows.panel(rows: 0..<count)
    for _ in 0..<2 {
      var parts = try product(rest.whole, basis.transposed)
      parts.withUnsafeMutableBufferPointer { numbers in
        for index in 0..<numbers.count { numbers[index] = -numbers[index] }
      }
      try rest.set(to: parts.whole, times: basis, accumulating: true)
    }
    return rest
  }
}
