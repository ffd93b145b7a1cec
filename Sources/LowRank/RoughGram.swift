import COpenBLAS
import Diagnostics

/// All inner products of terms as ``gram(_:)`` gives them, [n, n], but summed in single precision, to some six digits: for
/// figures that people read, at a third of the cost.
///
/// Numbers too small or too large for squares in single precision are left to ``gram(_:)``.
///
/// - throws: ``Failure`` `badData` as ``gram(_:)``.
public func roughGram(_ terms: [Term]) throws -> Matrix<Double> {
  let (out, columns) = try commonSize(of: terms)
  let starts = terms.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.rank) }
  let rank = starts[terms.count]
  // A single term lies as it is needed.
  let a =
    terms.count == 1
    ? terms[0].a
    : try Matrix<Float>(rows: rank, columns: columns) { target in
      for (term, start) in zip(terms, starts) {
        term.a.withUnsafeBufferPointer { source in
          _ = UnsafeMutableBufferPointer(rebasing: target[start * columns..<start * columns + source.count])
            .initialize(fromContentsOf: source)
        }
      }
    }
  let b =
    terms.count == 1
    ? terms[0].b
    : try Matrix<Float>(rows: out, columns: rank) { target in
      guard let target = target.baseAddress else { return }
      for (term, start) in zip(terms, starts) {
        term.b.withUnsafeBufferPointer { source in
          guard let source = source.baseAddress else { return }
          for row in 0..<out {
            (target + row * rank + start).initialize(from: source + row * term.rank, count: term.rank)
          }
        }
      }
    }
  let (left, right) = try (squares(of: a, transposing: false), squares(of: b, transposing: true))
  let sound: ClosedRange<Float> = 1e-25...1e30
  guard (0..<rank).allSatisfy({ sound.contains(left[$0, $0]) && sound.contains(right[$0, $0]) }) else {
    return try gram(terms)
  }
  var result = try Matrix<Double>(rows: terms.count, columns: terms.count)
  left.withUnsafeBufferPointer { left in
    right.withUnsafeBufferPointer { right in
      for i in terms.indices {
        for j in i..<terms.count {
          var sum = 0.0
          for row in starts[i]..<starts[i + 1] {
            for column in starts[j]..<starts[j + 1] {
              // Only the upper triangle is there.
              let place = min(row, column) * rank + max(row, column)
              sum += Double(left[place]) * Double(right[place])
            }
          }
          result[i, j] = sum * terms[i].coefficient * terms[j].coefficient
          result[j, i] = result[i, j]
        }
      }
    }
  }
  return result
}

/// X·Xᵀ, or Xᵀ·X, of which the upper triangle is filled.
private func squares(of matrix: Matrix<Float>, transposing: Bool) throws -> Matrix<Float> {
  let size = transposing ? matrix.columns : matrix.rows
  let result = try Matrix<Float>(rows: size, columns: size)
  let (n, k) = try (fortran(size), fortran(transposing ? matrix.rows : matrix.columns))
  let (stride, resultStride) = try (fortran(max(1, matrix.columns)), fortran(max(1, size)))
  guard n > 0, k > 0 else { return result }
  openBLAS
  withExtendedLifetime((matrix, result)) {
    cblas_ssyrk(
      CblasRowMajor, CblasUpper, transposing ? CblasTrans : CblasNoTrans, n, k, 1, matrix.start, stride, 0,
      result.start, resultStride)
  }
  return result
}

/// Some rows of c·B·A in single precision, one after the other: for figures that people read.
///
/// - precondition: the rows are there.
public func roughRows(_ rows: [Int], of term: Term) throws -> Matrix<Float> {
  let b = try Matrix<Float>(rows: rows.count, columns: term.rank) { target in
    term.b.withUnsafeBufferPointer { source in
      for (line, row) in rows.enumerated() {
        for place in 0..<term.rank {
          let value = Float(term.coefficient) * source[row * term.rank + place]
          target.initializeElement(at: line * term.rank + place, to: value)
        }
      }
    }
  }
  return try product(b.whole, term.a.whole)
}
