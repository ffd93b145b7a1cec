import Diagnostics
import Tensors

/// A GGUF file of version 3, little-endian, fully checked: the metadata is read, tensors stay in the file.
///
/// Format: magic, version, counts, key-value pairs, a list of tensors, then their data, each at a multiple of the alignment
/// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
package struct GGUFFile: Sendable {
  package let metadata: [String: GGUFValue]

  /// The tensors by name.
  package let tensors: [String: Tensor]

  /// The type of a tensor, its extents, the fastest one last, and its bytes.
  package struct Tensor: Sendable {
    package let format: WeightFormat
    package let shape: [Int]
    package let bytes: Bytes
  }

  package static func isGGUF(_ bytes: Bytes) -> Bool {
    bytes.withUnsafeBytes { $0.count >= 4 && $0.prefix(4).elementsEqual("GGUF".utf8) }
  }

  /// Reads the header of `bytes`.
  ///
  /// - throws: ``Failure`` `badData` that names the key or the tensor.
  package init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    guard Self.isGGUF(bytes) else { throw Failure(.badData, "is not a GGUF file") }
    let header = try bytes.withUnsafeBytes { raw in
      var cursor = GGUFCursor(raw, limits: limits)
      return try Header(&cursor, fileSize: raw.count)
    }
    metadata = header.metadata
    tensors = Dictionary(
      uniqueKeysWithValues: header.entries.map {
        ($0.name, Tensor(format: $0.format, shape: $0.shape, bytes: bytes[$0.range]))
      })
    // The metadata were copied.
    if let start = header.entries.map(\.range.lowerBound).min() { bytes[0..<start].relinquish() }
  }
}

/// The content of a file before its data.
private struct Header {
  var metadata: [String: GGUFValue] = [:]
  var entries: [Entry] = []

  struct Entry {
    let name: String
    let format: WeightFormat
    let shape: [Int]
    var range: Range<Int>
  }

  init(_ cursor: inout GGUFCursor, fileSize: Int) throws {
    _ = try cursor.number(UInt32.self)
    let version = try cursor.number(UInt32.self)
    guard version == 3 else {
      let what = version.byteSwapped == 3 ? "is big-endian" : "is a GGUF file of version \(version)"
      throw Failure(
        .badData, "\(what), but only version 3, little-endian, is supported", advice: "convert the model again")
    }
    // The minimum sizes of a tensor and a pair.
    let tensorCount = try cursor.count(of: 32)
    let pairCount = try cursor.count(of: 13)
    for _ in 0..<pairCount {
      let key = try cursor.text()
      let type = try cursor.number(UInt32.self)
      let value = try cursor.value(type)
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw Failure(.badData, "has the key '\(key)' twice")
      }
    }
    let alignment = metadata["general.alignment"].map { $0.integerValue ?? 0 } ?? 32
    guard alignment > 0, alignment & (alignment - 1) == 0, alignment <= 1 << 20 else {
      throw Failure(.badData, "its 'general.alignment' is not a power of two")
    }
    for _ in 0..<tensorCount { entries.append(try Self.entry(&cursor, alignment: alignment)) }
    try place(after: cursor.at, alignment: alignment, fileSize: fileSize)
  }

  /// A tensor, its range relative to the start of the data.
  private static func entry(_ cursor: inout GGUFCursor, alignment: Int) throws -> Entry {
    let name = try cursor.text()
    return try locating(tensor: name) {
      let axes = try cursor.number(UInt32.self)
      guard (1...4).contains(axes) else { throw Failure(.badData, "has \(axes) axes instead of 1 to 4") }
      var extents: [Int] = []
      for _ in 0..<axes {
        let extent = try cursor.number(UInt64.self)
        guard let size = Int(exactly: extent), size > 0 else { throw Failure(.badData, "has an extent of \(extent)") }
        extents.insert(size, at: 0)
      }
      let number = try cursor.number(UInt32.self)
      guard let format = WeightFormat(ggml: number) else {
        throw Failure(
          .badData, "is stored as \(WeightFormat.ggmlName(number)), which is not supported",
          advice: "supported types: \(WeightFormat.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      guard let size = format.byteCount(of: extents) else {
        throw Failure(.badData, "has the shape \(extents), which is not a whole number of blocks of \(format.rawValue)")
      }
      let offset = try cursor.number(UInt64.self)
      guard let start = Int(exactly: offset), start % alignment == 0, start <= Int.max - size else {
        throw Failure(.badData, "its data starts at \(offset), which is not a multiple of \(alignment)")
      }
      return Entry(name: name, format: format, shape: extents, range: start..<start + size)
    }
  }

  /// Makes the ranges absolute, and checks that they are inside the file, one after another.
  private mutating func place(after end: Int, alignment: Int, fileSize: Int) throws {
    let start = (end + alignment - 1) / alignment * alignment
    entries.sort { ($0.range.lowerBound, $0.name) < ($1.range.lowerBound, $1.name) }
    var names: Set<String> = []
    var last = 0
    for place in entries.indices {
      let entry = entries[place]
      guard names.insert(entry.name).inserted else { throw Failure(.badData, "occurs twice", tensor: entry.name) }
      guard entry.range.lowerBound >= last else {
        throw Failure(.badData, "its data overlaps the one before it", tensor: entry.name)
      }
      last = entry.range.upperBound
      guard start <= fileSize, last <= fileSize - start else {
        throw Failure(
          .badData, "its data ends beyond the file", advice: "it may have been cut off: copy it again",
          tensor: entry.name)
      }
      entries[place].range = start + entry.range.lowerBound..<start + entry.range.upperBound
    }
  }
}

extension WeightFormat {
  /// ggml's number of the type.
  var ggmlNumber: UInt32 {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q40: 2
    case .q41: 3
    case .q80: 8
    case .q4k: 12
    case .q6k: 14
    case .bf16: 30
    }
  }

  /// The type by ggml's number; nil for one that is not read.
  init?(ggml number: UInt32) {
    guard let format = Self.allCases.first(where: { $0.ggmlNumber == number }) else { return nil }
    self = format
  }

  /// ggml's names of the types that are not read, as far as they occur in files.
  static func ggmlName(_ number: UInt32) -> String {
    let names: [UInt32: String] = [
      6: "Q5_0", 7: "Q5_1", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 13: "Q5_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS",
      18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32",
      27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]
    return names[number] ?? "the unknown type \(number)"
  }
}
