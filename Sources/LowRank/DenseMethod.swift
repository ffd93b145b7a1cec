import Tensors

/// How the singular directions of a dense matrix are found.
public enum DenseMethod: Sendable, Equatable {
  /// By decomposing the matrix, in O(out·in·min(out, in)): tens of seconds for 4096 by 4096.
  case exact

  /// From products with random directions, adding more until they provably suffice.
  ///
  /// Of ``Rank/exactly(_:)``, the factors keep at least 1 − `tolerance` of the energy that the best factors of that rank
  /// keep. Of ``Rank/energy(_:)``, they keep the share, and no lower rank keeps 1 + `tolerance` times the share. A matrix
  /// for which a quarter of its smaller side in directions does not suffice for the proof is decomposed exactly. For the proof
  /// and its condition see `Sketch`.
  case sketched(RandomStream, tolerance: Double = 1e-3)
}
