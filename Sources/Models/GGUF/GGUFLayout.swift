import Tensors

extension WeightsLayout {
  /// The layout of a GGUF file of version 3, little-endian.
  ///
  /// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
  ///
  /// - parameters:
  ///   - entries: The tensors, of floats, in the order of the file; extents as in safetensors, the fastest one last.
  ///   - metadata: The keys in the order of the file.
  /// - precondition: Every entry has a type that GGUF has for floats, and metadata are texts, flags and numbers.
  package init(gguf entries: [Entry], metadata: [(key: String, value: GGUFValue)]) {
    var header = GGUFHeader()
    header.append(UInt32(3))
    header.append(UInt64(entries.count))
    header.append(UInt64(metadata.count))
    for (key, value) in metadata {
      header.append(key)
      header.append(value)
    }
    // Offsets count from the first tensor, which is aligned like all others.
    var end = 0
    for entry in entries {
      end = aligned(end)
      header.append(entry.name)
      header.append(UInt32(entry.shape.count))
      for extent in entry.shape.reversed() { header.append(UInt64(extent)) }
      guard let type = WeightFormat(entry.dtype)?.ggmlNumber else { preconditionFailure("no type of GGUF's") }
      header.append(type)
      header.append(UInt64(end))
      end += entry.byteCount
    }
    self.init(header: header.bytes, entries, alignment: alignment)
  }
}

/// What offsets are multiples of if the metadata do not say otherwise.
private let alignment = 32

private func aligned(_ offset: Int) -> Int { (offset + alignment - 1) / alignment * alignment }

/// The beginning of a GGUF file.
private struct GGUFHeader {
  var bytes = Array("GGUF".utf8)

  mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ text: String) {
    append(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  /// Type and value; an integer is an unsigned one of 32 bits and a number a float32, as llama.cpp expects of its keys.
  mutating func append(_ value: GGUFValue) {
    switch value {
    case .integer(let integer):
      append(UInt32(4))
      append(UInt32(integer))
    case .number(let number):
      append(UInt32(6))
      append(Float(number).bitPattern)
    case .flag(let flag):
      append(UInt32(7))
      append(UInt8(flag ? 1 : 0))
    case .text(let text):
      append(UInt32(8))
      append(text)
    case .unsigned, .array: preconditionFailure("no metadata of an adapter")
    }
  }
}
