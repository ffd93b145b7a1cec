import Diagnostics
import LowRank

extension OpenBLAS {
  /// Remarks for the user.
  package var notes: [Note] {
    guard let refused else { return [] }
    return [
      .warning(
        "OpenBLAS's kernels for \(refused) give wrong products on this processor; the slower ones for \(core) are used")
    ]
  }
}
