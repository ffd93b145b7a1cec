/// The checksum of gzip and zip: polynomial 0xEDB88320, eight bytes at a time (Kounavis and Berry, 2005).
public struct CRC32: Sendable {
  private var state: UInt32 = 0xFFFF_FFFF

  /// The checksum of all that was added.
  public var value: UInt32 { ~state }

  public init() {}

  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var state = state
    Self.tables.withUnsafeBufferPointer { tables in
      func table(_ k: Int, _ byte: UInt32) -> UInt32 { tables[k &* 256 &+ Int(byte & 0xFF)] }
      var at = 0
      while at &+ 8 <= bytes.count {
        let low = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) ^ state
        let high = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at &+ 4, as: UInt32.self))
        state = table(7, low) ^ table(6, low >> 8) ^ table(5, low >> 16) ^ table(4, low >> 24)
        state ^= table(3, high) ^ table(2, high >> 8) ^ table(1, high >> 16) ^ table(0, high >> 24)
        at &+= 8
      }
      while at < bytes.count {
        state = table(0, state ^ UInt32(bytes[at])) ^ (state >> 8)
        at &+= 1
      }
    }
    self.state = state
  }

  private static let tables: [UInt32] = {
    var tables: [UInt32] = []
    for byte: UInt32 in 0..<256 {
      var value = byte
      for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
      tables.append(value)
    }
    for place in 256..<(8 * 256) {
      let previous = tables[place - 256]
      tables.append(tables[Int(previous & 0xFF)] ^ (previous >> 8))
    }
    return tables
  }()
}

/// The CRC-32 of `bytes`.
public func crc32(of bytes: Bytes) -> UInt32 {
  var sum = CRC32()
  bytes.withUnsafeBytes { sum.add($0) }
  return sum.value
}
