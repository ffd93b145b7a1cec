import JSON

/// The position of each tensor in a safetensors file to be written, and its header.
///
/// The order is that of the reference implementation (by ``DType`` as declared, larger ones first, then by name), so the
/// same tensors give the same bytes whatever order they came in, and those bytes are the reference's.
public struct SafetensorsLayout: Sendable {
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

  /// Length and header, padded with spaces to a multiple of eight.
  public let header: [UInt8]

  public init(_ entries: [Entry], metadata: [String: String] = ["format": "pt"]) {
    let places = Dictionary(uniqueKeysWithValues: DType.allCases.enumerated().map { ($1, $0) })
    self.entries = entries.sorted {
      $0.dtype == $1.dtype
        ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        : places[$0.dtype, default: 0] < places[$1.dtype, default: 0]
    }
    var object = JSONObject()
    if !metadata.isEmpty {
      object["__metadata__"] = .object(JSONObject(metadata.sorted { $0.key < $1.key }.map { ($0, .string($1)) }))
    }
    var end = 0
    for entry in self.entries {
      object[entry.name] = [
        "dtype": .string(entry.dtype.rawValue),
        "shape": .array(entry.shape.map { JSONValue($0) }),
        "data_offsets": [JSONValue(end), JSONValue(end + entry.byteCount)],
      ]
      end += entry.byteCount
    }
    var text = Array(JSONValue.object(object).text().utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    header = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
  }
}

/// The bytes of a whole safetensors file, for small ones.
public func safetensors(_ tensors: [String: Tensor], metadata: [String: String] = ["format": "pt"]) -> [UInt8] {
  let layout = SafetensorsLayout(
    tensors.map { .init(name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape) }, metadata: metadata)
  return layout.entries.reduce(into: layout.header) { file, entry in
    tensors[entry.name]?.bytes.withUnsafeBytes { file.append(contentsOf: $0) }
  }
}
