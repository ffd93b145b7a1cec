import Tensors

/// A tensor of a model, in its file.
struct StoredTensor: Sendable {
  let format: WeightFormat

  /// The extents, the fastest one last.
  let shape: [Int]

  let bytes: Bytes

  /// The file, for messages.
  let file: String

  /// - precondition: `bytes` has exactly the elements of `shape`.
  init(format: WeightFormat, shape: [Int], bytes: Bytes, file: String) {
    precondition(format.byteCount(of: shape) == bytes.count, "a tensor's bytes do not fit its shape")
    self.format = format
    self.shape = shape
    self.bytes = bytes
    self.file = file
  }

  /// All elements as float32.
  func floats() -> [Float] {
    let count = shape.reduce(1, *)
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      bytes.withUnsafeBytes { raw in
        if let source = raw.baseAddress, let target = buffer.baseAddress {
          format.widen(source, count: count, into: target)
        }
      }
      initialized = count
    }
  }
}
