import Adapters
import Diagnostics
import Merging
import Models
import Tensors

/// An adapter in a GGUF file, for llama.cpp and what is built on it.
struct GGUFFormat: AdapterFormat {
  /// The file of the adapter in a run's folder.
  static let file = "adapter.gguf"

  /// The model that is adapted: GGUF names its matrices, and orders their rows, by its architecture.
  let base: ModelOutline

  let library = "gguf"
  let weights = Self.file
  let dtype: DType? = GGUFAdapter.dtype

  func check(_ adapters: [WeightedAdapter], replaced: [String], dtype: DType) throws {
    for adapter in adapters {
      try locating(client: adapter.client) {
        for module in adapter.adapter.modules.values.sorted(by: { $0.name < $1.name }) {
          try GGUFAdapter.check(module, of: base, storedAs: dtype)
        }
      }
    }
    try GGUFAdapter.checkReplaced(replaced)
  }

  // The order of rows is not that in which modules are merged.
  func draft(of tensors: [WeightsLayout.Entry]) -> WeightsLayout? { nil }

  func contents(of adapter: MergedAdapter) throws -> (layout: WeightsLayout, tensors: [String: Tensor]) {
    let content = try GGUFAdapter(adapter.modules, base: base)
    return (content.layout, content.tensors)
  }

  func texts(of adapter: MergedAdapter) -> [(name: String, text: String)] { [] }

  func verify(
    _ adapter: MergedAdapter, threads: Int, reading read: (_ file: String) throws -> Bytes,
    comparing same: @Sendable (Tensor, Tensor) throws -> Bool
  ) throws {
    let file = try GGUFFile(read(weights), limits: .none)
    guard try GGUFAdapter(adapter.modules, base: base).isContent(of: file, comparing: same) else {
      throw Failure.readsBackDifferently()
    }
  }
}
