import Diagnostics

/// Little-endian numbers at checked places of a zip.
struct LittleEndianFields {
  let raw: UnsafeRawBufferPointer

  func uint16(_ place: Int) throws -> Int { Int(try number(place, as: UInt16.self)) }
  func uint32(_ place: Int) throws -> Int { Int(try number(place, as: UInt32.self)) }

  func uint64(_ place: Int) throws -> Int {
    guard let value = Int(exactly: try number(place, as: UInt64.self)) else {
      throw Failure(.badData, "has a ZIP directory with numbers larger than any file")
    }
    return value
  }

  func bytes(_ place: Int, count: Int) throws -> UnsafeRawBufferPointer {
    guard place >= 0, count >= 0, count <= raw.count - place else { throw cutOff }
    return UnsafeRawBufferPointer(rebasing: raw[place..<place + count])
  }

  private func number<Number: FixedWidthInteger>(_ place: Int, as: Number.Type) throws -> Number {
    guard place >= 0, place <= raw.count - MemoryLayout<Number>.size else { throw cutOff }
    return Number(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: Number.self))
  }

  private var cutOff: Failure {
    Failure(.badData, "has a ZIP directory that points outside the file", advice: "copy it again")
  }
}
