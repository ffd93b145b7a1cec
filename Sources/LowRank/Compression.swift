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
