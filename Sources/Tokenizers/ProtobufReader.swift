import Diagnostics

/// Reads the fields of a protobuf message. Format: protobuf.dev/programming-guides/encoding.
struct ProtobufReader {
  enum Value {
    case number(UInt64)
    case fixed32(UInt32)
    case fixed64
    case bytes(UnsafeRawBufferPointer)
  }

  private let message: UnsafeRawBufferPointer
  private var place = 0

  init(_ message: UnsafeRawBufferPointer) { self.message = message }

  /// The next field and its value, nil at the end.
  mutating func next() throws -> (field: Int, value: Value)? {
    guard place < message.count else { return nil }
    let tag = try varint()
    guard let field = Int(exactly: tag >> 3), field > 0 else { throw Self.broken("has a field 0") }
    switch tag & 7 {
    case 0: return (field, .number(try varint()))
    case 1:
      _ = try take(8)
      return (field, .fixed64)
    case 2:
      guard let count = Int(exactly: try varint()) else { throw Self.broken("ends early") }
      return (field, .bytes(try take(count)))
    case 5: return (field, .fixed32(try take(4).loadUnaligned(as: UInt32.self)))
    case let other: throw Self.broken("has a value of the wire type \(other)")
    }
  }

  private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count <= message.count - place else { throw Self.broken("ends early") }
    defer { place += count }
    return UnsafeRawBufferPointer(rebasing: message[place..<place + count])
  }

  private mutating func varint() throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard place < message.count else { throw Self.broken("ends early") }
      let byte = message[place]
      place += 1
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw Self.broken("has a number of more than ten bytes")
  }

  static func broken(_ what: String) -> Failure {
    Failure(.badData, "\(what): it is not a SentencePiece model", advice: "copy the file again")
  }
}

extension ProtobufReader.Value {
  func text(_ what: String) throws -> [UInt8] {
    guard case .bytes(let bytes) = self, String(validating: bytes, as: UTF8.self) != nil else {
      throw ProtobufReader.broken("has \(what) that is not a text")
    }
    return Array(bytes)
  }

  func number(_ what: String) throws -> UInt64 {
    guard case .number(let number) = self else { throw ProtobufReader.broken("has \(what) that is not a number") }
    return number
  }

  func message(_ what: String) throws -> ProtobufReader {
    guard case .bytes(let bytes) = self else { throw ProtobufReader.broken("has \(what) that is not a message") }
    return ProtobufReader(bytes)
  }
}
