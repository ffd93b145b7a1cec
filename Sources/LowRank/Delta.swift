import CKernels

/// Σ c·B·A as a dense matrix, [out, in], rounded to float32 once; a single term gives its ΔW.
///
/// Calculated in double precision; the order of the terms changes no bit.
///
/// - throws: ``Failure`` `badData` when there is no term, when their sizes differ, or when an entry is beyond float32.
public func delta(of terms: [Term]) throws -> Matrix<Float> {
  let (out, columns) = try commonSize(of: terms)
  let terms = canonicalOrder(terms)
  // The coefficients are kept separate, so that nothing is rounded before the sum.
  let factors = try terms.count == 1 ? terms[0].factors : stack(terms.map { try Term(factors: $0.factors) })
  let coefficients = terms.flatMap { Array(repeating: $0.coefficient, count: $0.rank) }
  let former = RowFormer(coefficients, a: factors.a)
  return try Matrix<Float>(rows: out, columns: columns) { target in
    guard let start = target.baseAddress else { return }
    factors.b.withUnsafeBufferPointer { b in
      for top in stride(from: 0, to: out, by: 128) {
        former.form(min(128, out - top), of: b.baseAddress! + top * factors.rank, into: start + top * columns)
      }
    }
  }.checkedFinite()
}

/// Forms rows of B·diag(c)·A in double precision, rounded to float32 once; no bit of a row depends on how many or which other
/// rows are formed.
public struct RowFormer: Sendable {
  private let coefficients: [Double]
  private let a: Matrix<Float>

  /// - parameter coefficients: c, one for each row of A.
  public init(_ coefficients: [Double], a: Matrix<Float>) {
    precondition(coefficients.count == a.rows, "every unit of rank needs a coefficient")
    self.coefficients = coefficients
    self.a = a
  }

  /// Writes the rows for `count` consecutive rows of B, starting at `b`.
  public func form(_ count: Int, of b: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    let room = clues_room_for_rows(a.rows, count)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: room) { room in
      a.withUnsafeBufferPointer { a in
        guard let a = a.baseAddress, let room = room.baseAddress else { return }
        clues_form_rows(b, count, coefficients, self.a.rows, a, self.a.columns, room, target)
      }
    }
  }
}
