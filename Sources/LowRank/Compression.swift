import Diagnostics
import Tensors

/// A matrix as the best factors of a rank, and what that rank drops.
public struct Compression: Sendable, Equatable {
  /// B [out, r] and A [r, in], with r at least 1.
  ///
  /// Unless the terms were merely stacked, the columns of B and the rows of A are the singular vectors, strongest first,
  /// each times the root of its singular value, so that neither side leaves the range of half precision before the other.
  /// The largest entry of each column of B (the first of them, if there are several) is positive.
  public let factors: Factors

  /// ‖ΔW‖²_F, the squared Frobenius norm of the matrix before compression.
  public let energy: Double

  /// ‖ΔW − B·A‖²_F, apart from rounding the factors to float32: the squares of the dropped singular values.
  public let discardedEnergy: Double

  /// The singular values of the matrix, largest first; none when the terms were merely stacked, and only the kept ones,
  /// each at most the true one, when they come from a sketch.
  public let singularValues: [Double]

  /// An upper bound for how much less energy is kept than by the best factors of this rank, as a share of the latter.
  ///
  /// 0 unless the matrix was sketched (``DenseMethod/sketched(_:tolerance:)``).
  public let shortfall: Double

  /// The inner size of the factors.
  public var rank: Int { factors.rank }
}

/// How the singular directions of a dense matrix are found.
public enum DenseMethod: Sendable, Equatable {
  /// By decomposing the matrix, in O(out·in·min(out, in)): tens of seconds for 4096 by 4096.
  case exact

  /// From products with some random directions, and with more until they are shown to be enough.
  ///
  /// Of ``Rank/exactly(_:)``, the factors keep at least 1 − `tolerance` of the energy that the best factors of that rank
  /// keep. Of ``Rank/energy(_:)``, they keep the share, and no lower rank keeps 1 + `tolerance` times the share. A matrix
  /// for which this cannot be shown with directions for a quarter of its smaller side is decomposed exactly. How it is shown, and under which condition: see `Sketch`.
  case sketched(RandomStream, tolerance: Double = 1e-3)
}

/// The best factors of a given rank for a sum of terms, and the energy they leave out.
///
/// Σ c·B·A is never formed: with (c·B)ᵀ = L₁·Q₁ and A = L₂·Q₂ stacked, its singular values are those of the small core
/// L₁ᵀ·L₂, and its singular vectors are the core's, times Q₁ and Q₂. That takes O((out + in)·(Σ r)² + (Σ r)³). Calculated
/// in double precision; neither the order of the terms nor the threads around it change a bit.
///
/// ``Rank/full`` stacks instead (``stack(_:)``), in the order of the terms, with a column of zeros if Σ r is 0. No rank
/// goes beyond out, in or Σ r.
///
/// - throws: ``Failure`` `badData` when there is no term, when their sizes differ, when a number leaves the range of
///   float32 or the decomposition does not converge; `usage` for a rank that is none.
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

/// The best factors of a given rank for a dense matrix, [out, in], and the energy they leave out.
///
/// - parameter threads: How many may work on it at the same time; no bit depends on it.
/// - throws: ``Failure`` `badData` when a number is NaN or infinite, when the decomposition does not converge or the sizes
///   are beyond LAPACK; `usage` for a rank or a tolerance that is none.
public func compress(
  dense matrix: Matrix<Float>, to rank: Rank, by method: DenseMethod, threads: Int = 1
) throws -> Compression {
  try rank.validate()
  let `operator` = DenseOperator(matrix, threads: threads)
  let energy = `operator`.energy
  // Squares of float32 numbers do not leave the range of float64.
  guard energy.isFinite else { throw Failure(.badData, "holds a number that is NaN or infinite") }
  if case .sketched(let stream, let tolerance) = method {
    guard tolerance > 0, tolerance < 1 else {
      throw Failure(.usage, "invalid tolerance \(tolerance)", advice: "choose one between 0 and 1")
    }
    if let sketch = try Sketch(of: `operator`, energy: energy, for: rank, tolerance: tolerance, stream: stream) {
      return try sketch.compression()
    }
  }
  let longest = max(matrix.rows, matrix.columns)
  return try truncate(core: matrix.widened(), left: .unit, right: .unit, longestSide: longest, to: rank)
}
