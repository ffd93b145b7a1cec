import Diagnostics

/// The read position in the header of a GGUF file, little-endian, without alignment.
struct GGUFCursor {
  private let bytes: UnsafeRawBufferPointer
  private let limits: Limits
  private(set) var at = 0
  private var values = 0

  /// - parameter bytes: The whole file.
  init(_ bytes: UnsafeRawBufferPointer, limits: Limits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws -> Number {
    let size = MemoryLayout<Number>.size
    try demand(size)
    defer { at += size }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: Number.self))
  }

  /// A count of items that take at least `size` bytes each, so that it cannot exceed what the file can hold.
  mutating func count(of size: Int) throws -> Int {
    let stated = try number(UInt64.self)
    guard stated <= UInt64((bytes.count - at) / size) else {
      throw Failure(
        .badData, "its header announces \(stated) items at byte \(at - 8), more than the file has room for",
        advice: "it may have been cut off: copy it again")
    }
    return Int(stated)
  }

  mutating func text() throws -> String {
    let length = try count(of: 1)
    try demand(length)
    defer { at += length }
    guard let text = String(validating: UnsafeRawBufferPointer(rebasing: bytes[at..<at + length]), as: UTF8.self),
      !hasTooManyCombiningMarks(text)
    else { throw Failure(.badData, "its header has a text at byte \(at) that is not valid UTF-8") }
    return text
  }

  /// A value of one of the thirteen types, by its number.
  mutating func value(_ type: UInt32, depth: Int = 0) throws -> GGUFValue {
    values += 1
    guard values <= limits[.jsonValues] else {
      throw Failure(beyond: .jsonValues, "its header holds more than \(limits[.jsonValues]) values")
    }
    switch type {
    case 0: return .integer(Int(try number(UInt8.self)))
    case 1: return .integer(Int(try number(Int8.self)))
    case 2: return .integer(Int(try number(UInt16.self)))
    case 3: return .integer(Int(try number(Int16.self)))
    case 4: return .integer(Int(try number(UInt32.self)))
    case 5: return .integer(Int(try number(Int32.self)))
    case 6: return .number(Double(Float(bitPattern: try number())))
    case 7: return .flag(try number(UInt8.self) != 0)
    case 8: return .text(try text())
    case 9: return .array(try array(depth: depth))
    case 10:
      let value = try number(UInt64.self)
      return Int(exactly: value).map { .integer($0) } ?? .unsigned(value)
    case 11: return .integer(Int(try number(Int64.self)))
    case 12: return .number(Double(bitPattern: try number()))
    default: throw Failure(.badData, "its header has a value of the unknown type \(type) before byte \(at)")
    }
  }

  private mutating func array(depth: Int) throws -> [GGUFValue] {
    guard depth < limits[.jsonDepth] else {
      throw Failure(beyond: .jsonDepth, "its header nests deeper than \(limits[.jsonDepth]) levels")
    }
    let type = try number(UInt32.self)
    let count = try count(of: Self.leastSize(type))
    guard count <= limits[.jsonValues] - values else {
      throw Failure(beyond: .jsonValues, "its header holds more than \(limits[.jsonValues]) values")
    }
    var elements: [GGUFValue] = []
    elements.reserveCapacity(count)
    for _ in 0..<count { elements.append(try value(type, depth: depth + 1)) }
    return elements
  }

  /// The minimum size of a value in bytes.
  private static func leastSize(_ type: UInt32) -> Int {
    switch type {
    case 2, 3: 2
    case 4, 5, 6: 4
    case 8, 10, 11, 12: 8
    case 9: 12
    default: 1
    }
  }

  private func demand(_ size: Int) throws {
    guard size <= bytes.count - at else {
      throw Failure(.badData, "ends within its header", advice: "it may have been cut off: copy it again")
    }
    guard at + size <= limits[.headerSize] else {
      throw Failure(beyond: .headerSize, "has a header of more than the limit of \(limits[.headerSize]) bytes")
    }
  }
}
