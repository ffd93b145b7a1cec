import CKernels
import Diagnostics

/// All inner products of terms as in ``gram(_:)``, [n, n], but only to about six digits: for figures that people read, at a
/// fraction of the cost, and without copying any factor.
///
/// Numbers too small or too large for squares in single precision use ``gram(_:)``.
///
/// - throws: ``Failure`` `badData` as ``gram(_:)``.
public func roughGram(_ terms: [Term]) throws -> Matrix<Double> {
  try roughGram(terms.count, blocks: terms.count) { terms[$0] }
}

/// The same for terms that are made on demand, so that at most one block of them and one more exist at once; each is made once
/// per block.
public func roughGram(_ count: Int, blocks size: Int, of term: (Int) throws -> Term) throws -> Matrix<Double> {
  var result = try Matrix<Double>(rows: count, columns: count)
  for start in stride(from: 0, to: count, by: max(1, size)) {
    let block = try (start..<min(start + size, count)).map(term)
    for j in start..<count {
      let right = j < start + block.count ? block[j - start] : try term(j)
      for i in start...min(j, start + block.count - 1) {
        let left = block[i - start]
        _ = try commonSize(of: [left, right])
        let (a, b) = (rowProducts(left.a, right.a), columnProducts(left.b, right.b))
        guard i != j || isSound(a, left.rank) && isSound(b, left.rank) else { return try gram((0..<count).map(term)) }
        let sum = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        result[i, j] = sum * left.coefficient * right.coefficient
        result[j, i] = result[i, j]
      }
    }
  }
  return result
}

/// The inner products of some terms with another one as in ``innerProduct(_:_:)``, but only to about six digits, like
/// ``roughGram(_:)``; the terms are made one after another.
///
/// - throws: ``Failure`` `badData` as ``innerProduct(_:_:)``.
public func roughInnerProducts(_ count: Int, with other: Term, of term: (Int) throws -> Term) throws -> [Double] {
  let isOtherSound = isSound(other)
  return try (0..<count).map { index in
    let term = try term(index)
    _ = try commonSize(of: [term, other])
    guard isOtherSound, isSound(term) else { return try innerProduct(term, other) }
    let (a, b) = (rowProducts(term.a, other.a), columnProducts(term.b, other.b))
    return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } * term.coefficient * other.coefficient
  }
}

/// Whether the squares of a term's rows and columns are within single precision.
private func isSound(_ term: Term) -> Bool {
  let (rank, columns) = (term.rank, term.factors.in)
  let rows = term.a.withUnsafeBufferPointer { a in
    a.baseAddress.map { start in
      (0..<rank).allSatisfy { row in
        var square = 0.0
        clues_row_products(start + row * columns, 1, start + row * columns, 1, columns, &square)
        return isSound(square)
      }
    } ?? true
  }
  return rows
    && withUnsafeTemporaryAllocation(of: Double.self, capacity: rank) { squares in
      squares.initialize(repeating: 0)
      term.b.withUnsafeBufferPointer { b in
        for row in 0..<term.factors.out {
          for column in 0..<rank { squares[column] += Double(b[row * rank + column]) * Double(b[row * rank + column]) }
        }
      }
      return squares.allSatisfy(isSound)
    }
}

/// Whether no square on the diagonal is near the ends of single precision.
private func isSound(_ squares: [Double], _ count: Int) -> Bool {
  (0..<count).allSatisfy { isSound(squares[$0 * (count + 1)]) }
}

private func isSound(_ square: Double) -> Bool { (1e-25...1e30).contains(square) }

/// X·Yᵀ.
private func rowProducts(_ x: Matrix<Float>, _ y: Matrix<Float>) -> [Double] {
  products(x, y, x.rows, y.rows) { clues_row_products($0, x.rows, $1, y.rows, x.columns, $2) }
}

/// Xᵀ·Y.
private func columnProducts(_ x: Matrix<Float>, _ y: Matrix<Float>) -> [Double] {
  products(x, y, x.columns, y.columns) { clues_column_products($0, x.columns, $1, y.columns, x.rows, $2) }
}

private func products(
  _ x: Matrix<Float>, _ y: Matrix<Float>, _ rows: Int, _ columns: Int,
  _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Double>) -> Void
) -> [Double] {
  [Double](unsafeUninitializedCapacity: rows * columns) { target, count in
    count = rows * columns
    guard count > 0, let target = target.baseAddress else { return }
    withExtendedLifetime((x, y)) { body(x.start, y.start, target) }
  }
}

/// Some entries of c·B·A in single precision, at the crossings of `rows` and `columns`: for figures that people read.
///
/// - precondition: The rows and columns are in bounds.
public func roughEntries(rows: [Int], columns: [Int], of term: Term) throws -> Matrix<Float> {
  let (rank, width) = (term.rank, term.a.columns)
  let b = try Matrix<Float>(rows: rows.count, columns: rank) { target in
    term.b.withUnsafeBufferPointer { source in
      for index in target.indices {
        let value = Float(term.coefficient) * source[rows[index / rank] * rank + index % rank]
        target.initializeElement(at: index, to: value)
      }
    }
  }
  guard columns.count < width else { return try product(b.whole, term.a.whole) }
  let a = try Matrix<Float>(rows: rank, columns: columns.count) { target in
    term.a.withUnsafeBufferPointer { source in
      for index in target.indices {
        target.initializeElement(
          at: index, to: source[index / columns.count * width + columns[index % columns.count]])
      }
    }
  }
  return try product(b.whole, a.whole)
}
