import Diagnostics

/// ⟨ΔW₁, ΔW₂⟩ of two terms, the sum of the products of their entries.
///
/// Without a dense matrix: c₁·c₂·Σ (A₁·A₂ᵀ) ∘ (B₁ᵀ·B₂), in double precision.
///
/// - throws: ``Failure`` `badData` when the sizes differ, or the product is beyond float64.
public func innerProduct(_ first: Term, _ second: Term) throws -> Double {
  _ = try commonSize(of: [first, second])
  let terms = canonicalOrder([first, second])
  let (one, two) = try (stackedRows([terms[0]]), stackedRows([terms[1]]))
  return try sumOfProducts(
    try product(one.a.whole, two.a.whole.transposed), try product(one.b.whole, two.b.whole.transposed))
}

/// All inner products of terms, [n, n], symmetric to the bit; the diagonal holds their energies ‖ΔW‖²_F.
///
/// - throws: ``Failure`` `badData` when there is no term, when their sizes differ, or a product is beyond float64.
public func gram(_ terms: [Term]) throws -> Matrix<Double> {
  let rows = try stackedRows(terms)
  var starts = [0]
  for term in terms { starts.append(starts[starts.count - 1] + term.rank) }
  let n = terms.count
  var result = try Matrix<Double>(rows: n, columns: n)
  for i in 0..<n {
    let lines = starts[i]..<starts[i + 1]
    let rest = starts[i]..<starts[n]
    let a = try product(rows.a.panel(rows: lines), rows.a.panel(rows: rest).transposed)
    let b = try product(rows.b.panel(rows: lines), rows.b.panel(rows: rest).transposed)
    for j in i..<n {
      let span = starts[j] - starts[i]..<starts[j + 1] - starts[i]
      result[i, j] = try sumOfProducts(a, b, columns: span)
      result[j, i] = result[i, j]
    }
  }
  return result
}

/// ‖Σ c·B·A‖²_F.
func energy(of terms: [Term]) throws -> Double {
  let rows = try stackedRows(canonicalOrder(terms))
  let (a, b) = try (product(rows.a.whole, rows.a.whole.transposed), product(rows.b.whole, rows.b.whole.transposed))
  return max(0, try sumOfProducts(a, b))
}

private func sumOfProducts(
  _ left: Matrix<Double>, _ right: Matrix<Double>, columns span: Range<Int>? = nil
) throws -> Double {
  let sum = left.withUnsafeBufferPointer { a in
    right.withUnsafeBufferPointer { b in
      var sum = 0.0
      for row in 0..<left.rows {
        for column in span ?? 0..<left.columns {
          sum += a[row * left.columns + column] * b[row * left.columns + column]
        }
      }
      return sum
    }
  }
  guard sum.isFinite else {
    throw Failure(
      .badData, "the energy of the factors is beyond the range of float64", advice: "lower the weights or the scaling")
  }
  return sum
}
