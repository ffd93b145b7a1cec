/// The best factors of a given rank for a sum of terms, and the energy they leave out.
///
/// Σ c·B·A is never formed: with (c·B)ᵀ = L₁·Q₁ and A = L₂·Q₂ stacked, its singular values are those of the small core
/// L₁ᵀ·L₂, and its singular vectors are the core's, times Q₁ and Q₂. That takes O((out + in)·(Σ r)² + (Σ r)³). Calculated
/// in double precision; neither the order of the terms nor the threads around it change a bit.
///
/// ``Rank/full`` stacks instead (``stack(_:)``), in the order of the terms, with a column of zeros if Σ r is 0. No rank
/// goes beyond out, in or Σ r.
///
/// - throws: ``Failure`` `badData` if there is no term, if their sizes differ, if a number leaves the range of float32 or the
///   decomposition does not converge; `usage` for an invalid rank.
public func compress(_ terms: [Term], to rank: Rank) throws -> Compression {
  try rank.validate()
  let (out, columns) = try commonSize(of: terms)
  if rank == .full {
    let stacked = try stack(terms)
    let factors =
      try stacked.rank > 0 ? stacked : Factors(b: Matrix(rows: out, columns: 1), a: Matrix(rows: 1, columns: columns))
    return Compression(
      factors: factors, energy: try energy(of: terms), discardedEnergy: 0, singularValues: [], shortfall: 0)
  }
  let (b, a) = try stackedRows(canonicalOrder(terms))
  let (left, right) = try (RowFactorization(consume b), RowFactorization(consume a))
  return try truncate(
    core: product(left.lower.whole.transposed, right.lower.whole), left: .reflections(left),
    right: .reflections(right), longestSide: max(out, columns), to: rank)
}
