import Adapters
import Merging
import Tensors

/// A merged adapter that is being written to disk.
struct AdapterWriter: Sendable {
  let format: any AdapterFormat
  /// The subfolder that it is written to.
  let folder: String
  let adapter: MergedAdapter
  /// The tensors that are already written, if their positions were known.
  let draft: WeightsDraft?

  /// Writes the rest and reads everything again.
  ///
  /// - parameter advance: Receives the size of everything that is written and read again.
  func write(into output: OutputFolder, threads: Int, advance: @Sendable (Int) throws -> Void) throws {
    for file in try format.texts(of: adapter) { try output.write(file.text, to: folder + file.name) }
    if let draft {
      for (name, tensor) in adapter.absolutes { try draft.write(tensor.bytes, to: tensorName(of: name)) }
    }
    let inPlace = draft.flatMap { $0.isWhole && $0.fits(adapter.tensors) ? $0 : nil }
    if let inPlace {
      try inPlace.synchronize()
    } else {
      let (layout, tensors) = try format.contents(of: adapter)
      try output.write(layout.chunks(of: tensors), to: folder + format.weights)
    }
    @Sendable func compare(_ read: Tensor, _ meant: Tensor) throws -> Bool {
      defer { read.bytes.relinquish() }
      try advance(read.bytes.count)
      return inPlace?.matches(read, meant) ?? same(read, meant)
    }
    try format.verify(adapter, threads: threads, reading: { try output.read(folder + $0) }, comparing: compare)
  }
}
