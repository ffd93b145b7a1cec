import LowRank
import PluginKit

extension MutableMatrixView {
  /// Writes c·B·A.
  func fill(with term: Term) throws {
    try delta(of: [term]).withUnsafeBufferPointer { _ = elements.update(fromContentsOf: $0) }
  }
}
