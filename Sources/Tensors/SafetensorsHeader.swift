import Diagnostics
import JSON

/// The header of a safetensors file, checked against the file's size.
///
/// Format: eight bytes of header length (little-endian), the header as JSON, then the tensors without holes or overlaps.
public struct SafetensorsHeader: Sendable {
  /// The tensors in the order of the header.
  public let entries: [Entry]

  /// The texts under `__metadata__`.
  public let metadata: [String: String]

  /// The maximum number of axes, as in PyTorch.
  static let maximumAxes = 64

  /// The length of the header, from the first eight bytes of the file.
  ///
  /// - throws: ``Failure`` `badData` if the file is not a safetensors file or was truncated.
  public static func length(
    _ start: some Collection<UInt8>, fileSize: Int, limits: Limits = Limits()
  ) throws -> Int {
    guard start.count == 8 else {
      throw Failure(
        .badData, "is too short for a safetensors file", advice: "it may have been truncated: copy it again")
    }
    let length = start.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let length = Int(exactly: length), length <= Int.max - 8 else {
      throw Failure(.badData, "claims a header of \(length) bytes; this is not a safetensors file")
    }
    guard 8 + length <= fileSize else {
      throw Failure(
        .badData, "claims a header of \(length) bytes but ends after \(fileSize)",
        advice: "it may have been truncated: copy it again")
    }
    guard length <= limits[.headerSize] else {
      throw Failure(
        beyond: .headerSize, "has a header of \(length) bytes, more than the limit of \(limits[.headerSize])")
    }
    return length
  }

  /// Reads the header's JSON and checks every rule of the format.
  ///
  /// - throws: ``Failure`` `badData` that names the tensor.
  public init(_ text: UnsafeRawBufferPointer, fileSize: Int, limits: Limits = Limits()) throws {
    guard text.first == UInt8(ascii: "{") else {
      throw Failure(.badData, "has a header that does not start with a brace; this is not a safetensors file")
    }
    let value: JSONValue
    do {
      value = try JSONReader(limits).read(text)
    } catch var failure as Failure {
      failure.message = "its safetensors header cannot be read: \(failure.message)"
      failure.position = nil
      throw failure
    }
    let data = 8 + text.count..<fileSize
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    for (name, value) in value.objectValue?.members ?? [] {
      if name == "__metadata__" {
        metadata = try Self.metadata(value)
      } else {
        entries.append(try Entry(name: name, value, in: data))
      }
    }
    try Self.checkThatEntriesTile(entries, in: data)
    self.metadata = metadata
    self.entries = entries
  }

  private static func metadata(_ value: JSONValue) throws -> [String: String] {
    guard let object = value.objectValue else {
      throw Failure(.badData, "its safetensors __metadata__ is not an object")
    }
    var texts: [String: String] = [:]
    for (key, value) in object.members {
      guard let text = value.stringValue else {
        throw Failure(
          .badData, "its safetensors __metadata__ has \(value.kindName) under '\(key)' instead of a string")
      }
      texts[key] = text
    }
    return texts
  }

  private static func checkThatEntriesTile(_ entries: [Entry], in data: Range<Int>) throws {
    var end = data.lowerBound
    for entry in entries.sorted(by: {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }) {
      guard entry.range.lowerBound == end else {
        let fault = entry.range.lowerBound < end ? "overlaps the one before it" : "leaves a gap before it"
        throw Failure(
          .badData, "its bytes start at \(entry.range.lowerBound - data.lowerBound), which \(fault)", tensor: entry.name
        )
      }
      end = entry.range.upperBound
    }
    guard end == data.upperBound else {
      throw Failure(.badData, "has \(data.upperBound - end) bytes that belong to no tensor")
    }
  }

  /// One tensor: its type, its shape and the range of its bytes in the file.
  public struct Entry: Sendable {
    public let name: String
    public let dtype: DType
    public let shape: [Int]
    public let range: Range<Int>

    init(name: String, _ value: JSONValue, in data: Range<Int>) throws {
      func failure(_ message: String, advice: String? = nil) -> Failure {
        Failure(.badData, message, advice: advice, tensor: name)
      }
      guard let object = value.objectValue else { throw failure("its header entry is not an object") }
      for key in object.keys where !["dtype", "shape", "data_offsets"].contains(key) {
        throw failure("its header entry has an unknown member '\(key)'")
      }
      guard let typeName = object["dtype"]?.stringValue else { throw failure("its header entry has no dtype") }
      guard let dtype = DType(rawValue: typeName) else {
        throw failure("has the unknown dtype '\(typeName)'", advice: "convert it to F32, F16 or BF16 first")
      }
      // Written as integers: `8.0` is an integer to JSON, but no known reader accepts it as a size.
      guard let sizes = object["shape"]?.arrayValue?.map(\.wholeNumber),
        sizes.allSatisfy({ $0.map { $0 >= 0 } ?? false })
      else { throw failure("its shape is not a list of sizes") }
      let shape = sizes.compactMap { $0 }
      guard shape.count <= SafetensorsHeader.maximumAxes else {
        throw failure("has \(shape.count) axes; tensors have at most \(SafetensorsHeader.maximumAxes)")
      }
      guard let offsets = object["data_offsets"]?.arrayValue?.map(\.wholeNumber), offsets.count == 2,
        let begin = offsets[0], let end = offsets[1]
      else { throw failure("its data_offsets are not two numbers") }
      guard 0 <= begin, begin <= end, end <= data.count else {
        throw failure(
          "its bytes \(begin)..\(end) are outside the \(data.count) in the file",
          advice: "the file may have been truncated: copy it again")
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
      self.range = data.lowerBound + begin..<data.lowerBound + end
    }
  }
}

extension JSONValue {
  /// The number, if it is written as an integer.
  fileprivate var wholeNumber: Int? { if case .integer(let value) = self { Int(value) } else { nil } }
}
