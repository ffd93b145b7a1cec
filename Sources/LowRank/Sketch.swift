import Diagnostics
import Tensors

/// Orthonormal directions Q that hold the leading left singular vectors of a dense matrix M, and C = Qᵀ·M.
///
/// A randomised block Krylov method: the first block of Q is the range of M on random directions (Halko, Martinsson and
/// Tropp, SIAM Review 53, 2011), and each further one that of M·Mᵀ on the block before, the earlier ones being kept (Musco
/// and Musco, arXiv 1504.05477). Keeping them makes the same passes over M worth far more than power iterations.
///
/// **The check.** Let s be the singular values of C, u and v the vectors of its leading k, K = Σ s² of these, ρ = ‖M‖² −
/// ‖C‖², the energy outside of Q, and E the most that any k directions of M hold. Two bounds show how far K is from E:
///
/// - E ≤ K + ρ, since MᵀM = CᵀC + FᵀF with ‖F‖² = ρ, and by Ky Fan's inequality for sums.
/// - √E ≤ √K + ‖X‖, with X = M·v − u·s. In bases that begin with u and v, M is [s 0; X Y]; the root of the energy of the
///   leading k directions is a norm (Ky Fan's 2-k norm), and that of [s 0; 0 Y] is √K as long as no direction of Y is
///   stronger than the last of s. This condition is not checked: it fails only if each of the 16 or more random directions
///   almost misses the same leading singular vector of M, which is practically, but not strictly, impossible.
///
/// K and ρ are computed from C itself, so the reported kept and discarded energies hold whatever the check says.
struct Sketch {
  /// Q, as rows [l, out].
  private let basis: Matrix<Double>

  /// C, [l, in], as a small matrix times orthonormal rows.
  private let projection: RowFactorization

  private let verdict: SketchSpectrum.Verdict
  private let energy: Double

  /// Grows a sketch until it passes the check.
  ///
  /// - returns: nil if that would take more directions than a quarter of the smaller side.
  init?(of matrix: DenseOperator, energy: Double, for rank: Rank, tolerance: Double, stream: RandomStream) throws {
    let most = min(matrix.out, matrix.in) / 4
    guard let height = Self.blockHeight(for: rank, of: most, tolerance: tolerance), height <= most else { return nil }
    self.energy = energy
    var krylov = try KrylovBasis(matrix, capacity: min(most, 256))
    var block = try krylov.firstBlock(height: height, stream: stream)
    var checkDue = 0
    while krylov.count + height <= most {
      let (next, coupling) = try krylov.extend(by: block)
      if krylov.count >= checkDue {
        let spectrum = try SketchSpectrum(krylov.gram(), coupling: coupling, energy: energy)
        if let verdict = spectrum.verdict(on: rank, tolerance: tolerance) {
          self.verdict = verdict
          let (basis, projection) = try krylov.finish()
          self.basis = basis
          self.projection = try RowFactorization(consume projection)
          return
        }
        // The cost of the check grows faster than that of a step.
        checkDue = krylov.count * 5 / 4
      }
      block = next
    }
    return nil
  }

  /// The number of directions that a step adds; nil if the rank needs more than `most`.
  private static func blockHeight(for rank: Rank, of most: Int, tolerance: Double) -> Int? {
    switch rank {
    case .full: nil
    case .exactly(let count): count <= most ? min(max(16, count + 8), 64) : nil
    case .energy(let share): share * (1 + tolerance) < 1 ? 32 : nil
    }
  }

  /// The matrix as the best factors in the sketch, of the rank that passed the check.
  func compression() throws -> Compression {
    return try truncate(
      core: projection.lower, left: .rows(basis), right: .reflections(projection),
      longestSide: max(basis.columns, projection.width), to: .exactly(verdict.rank), energy: energy,
      shortfall: verdict.shortfall)
  }
}
