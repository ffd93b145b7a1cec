import Diagnostics

/// Little-endian numbers at checked positions of a zip.
struct LittleEndianFields {
  let raw: UnsafeRawBufferPointer

  func uint16(_ offset: Int) throws -> Int { Int(try number(offset, as: UInt16.self)) }
  func uint32(_ offset: Int) throws -> Int { Int(try number(offset, as: UInt32.self)) }

  func uint64(_ offset: Int) throws -> Int {
    guard let value = Int(exactly: try number(offset, as: UInt64.self)) else {
      throw Failure(.badData, "has a ZIP directory with numbers larger than any file")
    }
    return value
  }

  func bytes(_ offset: Int, count: Int) throws -> UnsafeRawBufferPointer {
    guard offset >= 0, count >= 0, count <= raw.count - offset else { throw cutOff }
    return UnsafeRawBufferPointer(rebasing: raw[offset..<offset + count])
  }

  private func number<Number: FixedWidthInteger>(_ offset: Int, as: Number.Type) throws -> Number {
    guard offset >= 0, offset <= raw.count - MemoryLayout<Number>.size else { throw cutOff }
    return Number(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }

  private var cutOff: Failure {
    Failure(.badData, "has a ZIP directory that points outside the file", advice: "copy it again")
  }
}
