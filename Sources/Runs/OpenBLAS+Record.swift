import Diagnostics
import JSON
import LowRank

extension OpenBLAS {
  /// What a user should know about it.
  package var notes: [Note] {
    guard let refused else { return [] }
    return [
      .warning(
        "OpenBLAS's kernels for \(refused) give wrong products on this processor; the slower ones for \(core) are used")
    ]
  }

  /// What the record of a run says of it.
  package var json: JSONValue {
    .object([
      "version": JSONValue(version), "core": .string(core), "found": .string(found),
      "chosen_by": .string(chooser == .user ? "OPENBLAS_CORETYPE" : chooser.rawValue),
    ])
  }
}
