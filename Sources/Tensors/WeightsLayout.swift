import JSON

/// Where each tensor lies in a file of weights that is to be written, and what stands before them all.
public struct WeightsLayout: Sendable {
  public struct Entry: Sendable {
    public let name: String
    public let dtype: DType
    public let shape: [Int]

    public init(name: String, dtype: DType, shape: [Int]) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
    }

    public var byteCount: Int { shape.reduce(dtype.size, *) }
  }

  /// The tensors in the order of the file.
  public let entries: [Entry]

  /// Where each of them begins, counted from the start of the file; gaps are zeros.
  public let offsets: [Int]

  /// What the file begins with.
  public let header: [UInt8]

  /// The size of the file.
  public let size: Int

  /// - parameter alignment: What the offset of every tensor is a multiple of.
  public init(header: [UInt8], _ entries: [Entry], alignment: Int = 1) {
    self.header = header
    self.entries = entries
    var (offsets, end) = ([Int](), header.count)
    for entry in entries {
      end += (alignment - end % alignment) % alignment
      offsets.append(end)
      end += entry.byteCount
    }
    self.offsets = offsets
    size = end
  }

  /// The file piece by piece, from the tensors by the names in the layout.
  public func chunks(of tensors: [String: Tensor]) -> some Sequence<[UInt8]> {
    (0...entries.count).lazy.map { index in
      var chunk = index == 0 ? header : tensors[entries[index - 1].name]!.bytes.withUnsafeBytes { Array($0) }
      chunk += gap(before: index)
      return chunk
    }
  }

  private func gap(before index: Int) -> [UInt8] {
    guard index < entries.count else { return [] }
    let end = index == 0 ? header.count : offsets[index - 1] + entries[index - 1].byteCount
    return [UInt8](repeating: 0, count: offsets[index] - end)
  }
}

extension WeightsLayout {
  /// The layout of a safetensors file.
  ///
  /// The order is that of the reference implementation (by ``DType`` as declared, larger ones first, then by name), so the
  /// same tensors give the same bytes whatever order they came in, and those bytes are the reference's.
  public init(safetensors entries: [Entry], metadata: [String: String] = ["format": "pt"]) {
    let ranks = Dictionary(uniqueKeysWithValues: DType.allCases.enumerated().map { ($1, $0) })
    let entries = entries.sorted {
      $0.dtype == $1.dtype
        ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        : ranks[$0.dtype, default: 0] < ranks[$1.dtype, default: 0]
    }
    var object = JSONObject()
    if !metadata.isEmpty {
      object["__metadata__"] = .object(JSONObject(metadata.sorted { $0.key < $1.key }.map { ($0, .string($1)) }))
    }
    var end = 0
    for entry in entries {
      object[entry.name] = [
        "dtype": .string(entry.dtype.rawValue),
        "shape": .array(entry.shape.map { JSONValue($0) }),
        "data_offsets": [JSONValue(end), JSONValue(end + entry.byteCount)],
      ]
      end += entry.byteCount
    }
    // Length and header, padded with spaces to a multiple of eight.
    var text = Array(JSONValue.object(object).text().utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    self.init(header: withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text, entries)
  }
}

/// The bytes of a whole safetensors file, for small ones.
public func safetensors(_ tensors: [String: Tensor], metadata: [String: String] = ["format": "pt"]) -> [UInt8] {
  WeightsLayout(
    safetensors: tensors.map { .init(name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape) }, metadata: metadata
  ).chunks(of: tensors).reduce(into: []) { $0 += $1 }
}
