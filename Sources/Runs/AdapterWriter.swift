import Adapters
import Diagnostics
import LowRank
import Merging
import Tensors

/// A merged adapter on its way to the disk.
struct AdapterWriter: Sendable {
  static let config = "adapter_config.json"
  static let weights = "adapter_model.safetensors"

  /// The sub-folder that it is written to.
  let folder: String
  let adapter: MergedAdapter
  /// Where its tensors are already, as far as they had a place there.
  let draft: WeightsDraft?

  /// Writes what is not written yet and reads everything again.
  ///
  /// - parameter advance: Gets the size of everything that is written and read again.
  func write(into output: OutputFolder, threads: Int, advance: @Sendable (Int) throws -> Void) throws {
    let (config, weights) = (folder + Self.config, folder + Self.weights)
    try output.write(adapter.configText, to: config)
    if let draft {
      for (name, tensor) in adapter.absolutes { try draft.write(tensor.bytes, to: tensorName(of: name)) }
    }
    let inPlace = draft.flatMap { $0.isWhole && $0.fits(adapter.tensors) ? $0 : nil }
    if let inPlace {
      try inPlace.synchronize()
    } else {
      try output.write(adapter.fileChunks, to: weights)
    }
    try adapter.verify(config: output.read(config), weights: output.read(weights), threads: threads) { read, meant in
      defer { read.bytes.relinquish() }
      try advance(read.bytes.count)
      return inPlace?.matches(read, meant) ?? same(read, meant)
    }
  }
}
