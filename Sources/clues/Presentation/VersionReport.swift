import Bundles
import CKernels
import Diagnostics
import JSON
import LowRank

/// The version with everything that numbers can depend on: the libraries in use, and the vectors of this processor.
public func versionReport() -> String {
  let vectors =
    switch clues_kernel_level() {
    case 4: "x86-64-v4"
    case 3: "x86-64-v3"
    case 1: "x86-64 (baseline)"
    default: "baseline"
    }
  return """
    clues \(cluesVersion)
    \(OpenBLAS.current.text)
    \(libarchiveVersion)
    own kernels for \(vectors)
    """
}

extension OpenBLAS {
  fileprivate var text: String {
    let reason =
      switch chooser {
      case .itself: refused.map { "its own choice; those for \($0) gave wrong products" } ?? "its own choice"
      case .user: "OPENBLAS_CORETYPE is set"
      case .clues: "chosen by Clues; OpenBLAS took this processor for \(found)"
      }
    return "OpenBLAS \(version ?? "of unknown version") with kernels for \(core) (\(reason))"
  }
}
