import Tensors

/// The checksum of ZIP records (reflected polynomial 0xEDB88320), eight bytes a step.
///
/// Slicing by eight: Kounavis and Berry, "A systematic approach to building high performance software-based CRC
/// generators", ISCC 2005.
func crc32(_ bytes: Bytes) -> UInt32 {
  bytes.withUnsafeBytes { source in
    crcTable.withUnsafeBufferPointer { table in
      var crc = ~UInt32(0)
      var place = 0
      while source.count - place >= 8 {
        let word = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: place, as: UInt64.self)) ^ UInt64(crc)
        crc = 0
        for slice in 0..<8 {
          crc ^= table[(7 - slice) << 8 | Int(word >> UInt64(slice * 8) & 0xFF)]
        }
        place += 8
      }
      while place < source.count {
        crc = crc >> 8 ^ table[Int((crc ^ UInt32(source[place])) & 0xFF)]
        place += 1
      }
      return ~crc
    }
  }
}

/// Row k holds the checksums of a byte followed by k zeros.
private let crcTable: [UInt32] = {
  var table = [UInt32](repeating: 0, count: 8 * 256)
  for byte in 0..<256 {
    table[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 0 ? 0 : 0xEDB8_8320) }
  }
  for place in 256..<table.count {
    let shorter = table[place - 256]
    table[place] = shorter >> 8 ^ table[Int(shorter & 0xFF)]
  }
  return table
}()
