import Adapters
import Diagnostics
import Foundation
import Tensors

extension MergedAdapter {
  /// The adapter made of merged modules.
  package init(
    _ modules: [Module], _ weightedAdapters: [WeightedAdapter], _ settings: MergeSettings,
    absolutes: [(name: String, tensor: Tensor)] = []
  ) {
    self.init(
      modules: modules, absolutes: absolutes, inputs: weightedAdapters.map(\.adapter.config),
      baseModel: settings.baseModel ?? weightedAdapters[0].adapter.config.baseModel,
      base: weightedAdapters.flatMap { $0.adapter.absolutes.keys }, style: settings.rankLayout)
  }

  /// The number of bytes of the tensors.
  package var size: Int { tensors.values.reduce(0) { $0 + $1.bytes.count } }
}

/// Whether two tensors hold the same bytes.
package func same(_ a: Tensor, _ b: Tensor) -> Bool {
  a.dtype == b.dtype && a.shape == b.shape
    && a.bytes.withUnsafeBytes { a in
      b.bytes.withUnsafeBytes { b in
        a.count == b.count && (a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0)
      }
    }
}
