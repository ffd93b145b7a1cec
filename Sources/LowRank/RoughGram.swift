import CKernels
import Diagnostics

/// All inner products of terms as ``gram(_:)`` gives them, [n, n], but to some six digits: for figures that people read,
/// at a fraction of the cost, and without a copy of any factor.
///
/// Numbers too small or too large for squares in single precision are left to ``gram(_:)``.
///
/// - throws: ``Failure`` `badData` as ``gram(_:)``.
public func roughGram(_ terms: [Term]) throws -> Matrix<Double> {
  _ = try commonSize(of: terms)
  var result = try Matrix<Double>(rows: terms.count, columns: terms.count)
  for i in terms.indices {
    for j in i..<terms.count {
      let (a, b) = (rowProducts(terms[i].a, terms[j].a), columnProducts(terms[i].b, terms[j].b))
      guard i != j || isSound(a, terms[i].rank) && isSound(b, terms[i].rank) else { return try gram(terms) }
      let sum = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
      result[i, j] = sum * terms[i].coefficient * terms[j].coefficient
      result[j, i] = result[i, j]
    }
  }
  return result
}

/// Whether no square on the diagonal is near the ends of single precision.
private func isSound(_ squares: [Double], _ count: Int) -> Bool {
  (0..<count).allSatisfy { (1e-25...1e30).contains(squares[$0 * (count + 1)]) }
}

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

/// Some entries of c·B·A in single precision, those where `rows` and `columns` cross: for figures that people read.
///
/// - precondition: the rows and columns are there.
public func roughEntries(rows: [Int], columns: [Int], of term: Term) throws -> Matrix<Float> {
  let (rank, width) = (term.rank, term.a.columns)
  let b = try Matrix<Float>(rows: rows.count, columns: rank) { target in
    term.b.withUnsafeBufferPointer { source in
      for place in target.indices {
        let value = Float(term.coefficient) * source[rows[place / rank] * rank + place % rank]
        target.initializeElement(at: place, to: value)
      }
    }
  }
  guard columns.count < width else { return try product(b.whole, term.a.whole) }
  let a = try Matrix<Float>(rows: rank, columns: columns.count) { target in
    term.a.withUnsafeBufferPointer { source in
      for place in target.indices {
        target.initializeElement(
          at: place, to: source[place / columns.count * width + columns[place % columns.count]])
      }
    }
  }
  return try product(b.whole, a.whole)
}
