import Diagnostics
import JSON

/// A safetensors file, checked whole: header and offsets here, elements where they lie.
///
/// Format: eight bytes of header length (little-endian), the header as JSON, then the tensors without holes or overlaps.
public struct SafetensorsFile: Sendable {
  /// The tensors by name.
  public let tensors: [String: Tensor]

  /// The names in the order of the header.
  public let names: [String]

  /// The texts under `__metadata__`.
  public let metadata: [String: String]

  /// The largest header that is read, as in the reference implementation.
  public static let maximumHeaderLength = 100_000_000

  /// Reads the header of `bytes` and checks every rule of the format.
  ///
  /// - throws: ``Failure`` `badData` that names the tensor.
  public init(_ bytes: Bytes) throws {
    let header = try Self.header(of: bytes)
    let data = bytes[header.end..<bytes.count]
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    for (name, value) in header.object.members {
      if name == "__metadata__" {
        metadata = try Self.metadata(value)
      } else {
        entries.append(try Entry(name: name, value, dataCount: data.count))
      }
    }
    try Self.checkThatEntriesTile(entries, dataCount: data.count)
    self.metadata = metadata
    self.names = entries.map(\.name)
    self.tensors = Dictionary(
      uniqueKeysWithValues: entries.map {
        ($0.name, Tensor(dtype: $0.dtype, shape: $0.shape, bytes: data[$0.range]))
      })
  }

  private static func header(of bytes: Bytes) throws -> (object: JSONObject, end: Int) {
    try bytes.withUnsafeBytes { raw in
      guard raw.count >= 8 else {
        throw Failure(
          .badData, "is too short for a safetensors file", advice: "it may have been cut off: copy it again")
      }
      let length = UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self))
      guard length <= UInt64(maximumHeaderLength) else {
        throw Failure(.badData, "claims a header of \(length) bytes; this is no safetensors file")
      }
      let end = 8 + Int(length)
      guard end <= raw.count else {
        throw Failure(
          .badData, "claims a header of \(length) bytes but ends after \(raw.count)",
          advice: "it may have been cut off: copy it again")
      }
      guard length > 0, raw[8] == UInt8(ascii: "{") else {
        throw Failure(.badData, "has a header that does not start with a brace; this is no safetensors file")
      }
      do {
        let value = try JSONReader().read(UnsafeRawBufferPointer(rebasing: raw[8..<end]))
        return (value.objectValue ?? JSONObject(), end)
      } catch var failure as Failure {
        failure.message = "its safetensors header cannot be read: \(failure.message)"
        failure.position = nil
        throw failure
      }
    }
  }

  private static func metadata(_ value: JSONValue) throws -> [String: String] {
    guard let object = value.objectValue else {
      throw Failure(.badData, "its safetensors __metadata__ is not an object")
    }
    var texts: [String: String] = [:]
    for (key, value) in object.members {
      guard let text = value.stringValue else {
        throw Failure(
          .badData, "its safetensors __metadata__ holds \(value.kindName) under '\(key)' where a text is due")
      }
      texts[key] = text
    }
    return texts
  }

  private static func checkThatEntriesTile(_ entries: [Entry], dataCount: Int) throws {
    var end = 0
    for entry in entries.sorted(by: {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }) {
      guard entry.range.lowerBound == end else {
        let fault = entry.range.lowerBound < end ? "overlaps the one before it" : "leaves a hole before it"
        throw Failure(.badData, "its bytes start at \(entry.range.lowerBound), which \(fault)", tensor: entry.name)
      }
      end = entry.range.upperBound
    }
    guard end == dataCount else {
      throw Failure(.badData, "holds \(dataCount - end) bytes that belong to no tensor")
    }
  }

  private struct Entry {
    let name: String
    let dtype: DType
    let shape: [Int]
    let range: Range<Int>

    init(name: String, _ value: JSONValue, dataCount: Int) throws {
      func failure(_ message: String, advice: String? = nil) -> Failure {
        Failure(.badData, message, advice: advice, tensor: name)
      }
      guard let object = value.objectValue else { throw failure("its header entry is not an object") }
      for key in object.keys where !["dtype", "shape", "data_offsets"].contains(key) {
        throw failure("its header entry has an unknown member '\(key)'")
      }
      guard let typeName = object["dtype"]?.stringValue else { throw failure("its header entry names no dtype") }
      guard let dtype = DType(rawValue: typeName) else {
        throw failure("has the unknown dtype '\(typeName)'", advice: "convert it to F32, F16 or BF16 first")
      }
      guard let sizes = object["shape"]?.arrayValue?.map(\.intValue), sizes.allSatisfy({ $0.map { $0 >= 0 } ?? false })
      else { throw failure("its shape is not a list of sizes") }
      let shape = sizes.compactMap { $0 }
      guard let offsets = object["data_offsets"]?.arrayValue?.map(\.intValue), offsets.count == 2,
        let begin = offsets[0], let end = offsets[1]
      else { throw failure("its data_offsets are not two numbers") }
      guard 0 <= begin, begin <= end, end <= dataCount else {
        throw failure(
          "its bytes \(begin)..\(end) lie outside the \(dataCount) that the file holds",
          advice: "the file may have been cut off: copy it again")
      }
      var size = dtype.size
      for extent in shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: extent)
        if overflow { throw failure("its shape \(shape) is larger than any memory") }
        size = product
      }
      guard size == end - begin else {
        throw failure("its shape \(shape) of \(typeName) takes \(size) bytes, but it has \(end - begin)")
      }
      self.name = name
      self.dtype = dtype
      self.shape = shape
      self.range = begin..<end
    }
  }
}
