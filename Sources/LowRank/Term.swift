import Diagnostics

/// One client's contribution to a module: ΔW = c·B·A, with c its weight times its scaling.
public struct Term: Sendable, Equatable {
  /// c, a finite number.
  public let coefficient: Double

  public let factors: Factors

  /// - throws: ``Failure`` `badData` when the coefficient is NaN or infinite.
  public init(coefficient: Double = 1, factors: Factors) throws {
    guard coefficient.isFinite else {
      throw Failure(.badData, "the weight times the scaling is \(coefficient)", advice: "it must be a finite number")
    }
    self.coefficient = coefficient
    self.factors = factors
  }

  /// - throws: ``Failure`` `badData` as ``init(coefficient:factors:)`` and ``Factors/init(b:a:)``.
  public init(coefficient: Double = 1, b: Matrix<Float>, a: Matrix<Float>) throws {
    try self.init(coefficient: coefficient, factors: Factors(b: b, a: a))
  }

  /// The factor B, [out, r].
  public var b: Matrix<Float> { factors.b }

  /// The factor A, [r, in].
  public var a: Matrix<Float> { factors.a }

  /// The inner size r.
  public var rank: Int { factors.rank }
}

/// Checks that terms can be added, and returns the size of their sum.
///
/// - throws: ``Failure`` `badData` when there is none, or when their sizes differ.
func commonSize(of terms: [Term]) throws -> (out: Int, in: Int) {
  guard let first = terms.first?.factors else {
    throw Failure(.badData, "there are no terms to add", advice: "at least one client must have the module")
  }
  for term in terms where (term.factors.out, term.factors.in) != (first.out, first.in) {
    throw Failure(
      .badData,
      "shape mismatch: one client's delta is \(term.factors.out) × \(term.factors.in), another's \(first.out) × \(first.in)",
      advice: "merge only adapters of the same base model")
  }
  return (first.out, first.in)
}

/// The terms in an order that depends only on their contents, so that sums over them do not depend on the original order.
func canonicalOrder(_ terms: [Term]) -> [Term] {
  terms.sorted { left, right in
    if left.coefficient != right.coefficient { return left.coefficient < right.coefficient }
    if left.rank != right.rank { return left.rank < right.rank }
    return precedes(left.b, right.b) ?? precedes(left.a, right.a) ?? false
  }
}

/// Whether the bits of one matrix sort before those of another of the same size; nil if they are equal.
private func precedes(_ left: Matrix<Float>, _ right: Matrix<Float>) -> Bool? {
  left.withUnsafeBufferPointer { left in
    right.withUnsafeBufferPointer { right in
      for index in 0..<min(left.count, right.count) where left[index].bitPattern != right[index].bitPattern {
        return left[index].bitPattern < right[index].bitPattern
      }
      return nil
    }
  }
}
