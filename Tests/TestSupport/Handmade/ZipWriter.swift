/// Writes ZIP archives as we want them, wrong ones too.
public struct ZipWriter: Sendable {
  public struct Record: Sendable {
    public var name: String
    public var bytes: [UInt8]
    public var method: UInt16 = 0
    public var flags: UInt16 = 0
    /// nil for the right one.
    public var checksum: UInt32?
    /// The size once decoded, in both headers; of what is stored it is the packed size too.
    public var size: UInt32?
    public var isWide = false
    /// File type and rights of Unix; 0 for none.
    public var mode: UInt32 = 0
    public var extra: [UInt8] = []

    /// What the local header is to say, where that is to differ.
    public var localName: String?
    public var localMethod: UInt16?
    public var localFlags: UInt16?
    public var localSize: UInt32?
    public var localChecksum: UInt32?
    /// What follows the content.
    public var tail: [UInt8] = []
    /// Where the directory says that the entry starts, from where it does.
    public var shift = 0

    public init(name: String, bytes: [UInt8], method: UInt16 = 0) {
      (self.name, self.bytes, self.method) = (name, bytes, method)
    }
  }

  public var records: [Record]
  public var isWide = false
  /// What stands before the first entry, without the offsets knowing of it.
  public var prefix: [UInt8] = []
  /// The same, with offsets that know of it.
  public var head: [UInt8] = []
  public var comment: [UInt8] = []
  /// How many entries the last record counts, if not all.
  public var count: UInt16?

  public init(records: [Record], isWide: Bool = false) { (self.records, self.isWide) = (records, isWide) }

  public func bytes() -> [UInt8] {
    var file = head
    var directory: [UInt8] = []
    for record in records {
      let offset = UInt64(file.count + record.shift)
      let checksum = record.checksum ?? Self.bitwiseCRC(record.bytes)
      let size = record.size ?? UInt32(record.bytes.count)
      let packed = record.method == 0 ? size : UInt32(record.bytes.count)
      let localName = Array((record.localName ?? record.name).utf8)
      // As PyTorch does: padding in the local header only, so that elements lie on a multiple of 64.
      let padding = 63 - (file.count + 30 + localName.count + 4 + 63) % 64
      let localSize = record.localSize ?? size
      file += little(UInt32(0x0403_4b50)) + little(UInt16(0)) + little(record.localFlags ?? record.flags)
      file += little(record.localMethod ?? record.method) + little(UInt32(0))
      file += little(record.localChecksum ?? checksum)
      file += little(record.method == 0 ? localSize : packed) + little(localSize)
      file += little(UInt16(localName.count)) + little(UInt16(4 + padding)) + localName
      file += Array("FB".utf8) + little(UInt16(padding)) + [UInt8](repeating: 0x5A, count: padding)
      file += record.bytes + record.tail

      let wide =
        record.isWide
        ? little(UInt16(1)) + little(UInt16(24)) + little(UInt64(record.bytes.count))
          + little(UInt64(record.bytes.count)) + little(offset) : []
      let extra = wide + record.extra
      directory += little(UInt32(0x0201_4b50)) + [20, record.mode == 0 ? 0 : 3] + little(UInt16(20))
      directory += little(record.flags) + little(record.method)
      directory += little(UInt32(0)) + little(checksum)
      directory += little(record.isWide ? .max : packed) + little(record.isWide ? .max : size)
      directory += little(UInt16(record.name.utf8.count)) + little(UInt16(extra.count)) + little(UInt16(0))
      directory += little(UInt16(0)) + little(UInt16(0)) + little(record.mode << 16)
      directory += little(record.isWide ? UInt32.max : UInt32(offset)) + Array(record.name.utf8) + extra
    }
    let start = file.count
    file += directory
    if isWide {
      let wide = file.count
      file += little(UInt32(0x0606_4b50)) + little(UInt64(44)) + little(UInt32(0)) + little(UInt64(0))
      file += little(UInt64(records.count)) + little(UInt64(records.count))
      file += little(UInt64(directory.count)) + little(UInt64(start))
      file += little(UInt32(0x0706_4b50)) + little(UInt32(0)) + little(UInt64(wide)) + little(UInt32(1))
    }
    let count = count ?? UInt16(truncatingIfNeeded: records.count)
    file += little(UInt32(0x0605_4b50)) + little(UInt32(0)) + little(count) + little(count)
    file += little(UInt32(directory.count)) + little(isWide ? UInt32.max : UInt32(start))
    return prefix + file + little(UInt16(comment.count)) + comment
  }

  /// The definition of CRC-32, a bit at a time.
  public static func bitwiseCRC(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
    }
    return ~crc
  }
}

/// The bytes of a number, lowest first.
public func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
