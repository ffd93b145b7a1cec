import Diagnostics

/// One entry of the central directory of a zip.
public struct ZipEntry: Sendable {
  /// The name in the archive, with slashes between folders.
  public let name: [UInt8]

  /// The bytes of the entry as stored in the archive.
  public internal(set) var range: Range<Int>

  /// Its decoded size in bytes.
  public let size: Int

  /// The compression method: 0 is none, 8 is deflate.
  public let method: Int

  /// The CRC-32 of the decoded bytes.
  public let checksum: UInt32

  /// The file type and permissions recorded by a Unix system; 0 elsewhere.
  public let mode: Int

  public let isEncrypted: Bool

  let flags: Int
  let offset: Int

  /// Bit 3: sizes and checksum follow the content.
  var hasDescriptor: Bool { flags & 8 != 0 }

  /// The name for messages.
  public var shownName: String { oneLine(String(decoding: name, as: UTF8.self)) }
}

extension ZipEntry {
  /// Reads the header at `at` of a directory that ends at `limit`.
  ///
  /// - returns: The entry, whose bytes are not yet located, and the start of the next header.
  static func read(_ fields: LittleEndianFields, at: Int, before limit: Int) throws -> (entry: ZipEntry, end: Int) {
    let damaged = Failure(.badData, "has a damaged ZIP directory", advice: "copy it again")
    guard limit - at >= 46, try fields.uint32(at) == 0x0201_4b50 else { throw damaged }
    let (nameCount, extraCount) = (try fields.uint16(at + 28), try fields.uint16(at + 30))
    let extraStart = at + 46 + nameCount
    let end = extraStart + extraCount + (try fields.uint16(at + 32))
    guard end <= limit else { throw damaged }
    let extra = ZipExtra(fields, extraStart..<extraStart + extraCount)
    let host = Int(fields.raw[at + 5])
    let name = try self.name(fields.bytes(at + 46, count: nameCount), extra, host: host)
    let shown = { oneLine(String(decoding: name, as: UTF8.self)) }
    guard try fields.uint16(at + 34) == 0 else { throw Failure(.badData, "is part of a split ZIP archive") }
    var wide = try WideNumbers(fields, extra)
    // In this order, as far as they are wide.
    guard let size = try wide.widen(fields.uint32(at + 24)), let stored = try wide.widen(fields.uint32(at + 20)),
      let offset = try wide.widen(fields.uint32(at + 42))
    else { throw Failure(.badData, "its entry '\(shown())' lacks its 64-bit size") }
    let (flags, method) = (try fields.uint16(at + 8), try fields.uint16(at + 10))
    // Bits 0, 6 and 13; an encrypted entry has an additional header.
    let isEncrypted = flags & 0x2041 != 0
    guard method != 0 || isEncrypted || stored == size else {
      throw Failure(.badData, "its entry '\(shown())' has two different sizes")
    }
    guard offset <= limit, stored <= limit - offset else {
      throw Failure(.badData, "its entry '\(shown())' does not fit into the file")
    }
    let entry = ZipEntry(
      name: name, range: offset..<offset + stored, size: size, method: method,
      checksum: UInt32(try fields.uint32(at + 16)),
      // 3 is Unix, 19 is macOS.
      mode: host == 3 || host == 19 ? try fields.uint32(at + 38) >> 16 : 0, isEncrypted: isEncrypted,
      flags: flags, offset: offset)
    return (entry, end)
  }

  /// The name, which all readers must see alike.
  private static func name(_ name: UnsafeRawBufferPointer, _ extra: ZipExtra, host: Int) throws -> [UInt8] {
    if let unicode = try extra.unicodeName(of: name) {
      guard String(validating: name, as: UTF8.self) == nil || name.elementsEqual(unicode) else {
        let (one, other) = (String(decoding: name, as: UTF8.self), String(decoding: unicode, as: UTF8.self))
        throw Failure(
          .badData, "gives one entry two names, '\(oneLine(one))' and '\(oneLine(other))'",
          advice: "zip it again with another tool, or with names of ASCII letters")
      }
      return Array(unicode)
    }
    // Old Windows tools write backslashes between folders.
    let (slash, backslash) = (UInt8(ascii: "/"), UInt8(ascii: "\\"))
    if host == 0, !name.contains(slash) { return name.map { $0 == backslash ? slash : $0 } }
    return Array(name)
  }
}

extension ZipEntry {
  /// Finds the bytes of the entry and compares the headers before and after them with the directory.
  ///
  /// Some readers use these headers and not the directory, so if they differ, two readers see two different archives.
  ///
  /// - parameter next: Where the next entry starts, or the directory.
  /// - returns: false if it overlaps that.
  mutating func locate(in fields: LittleEndianFields, before next: Int) throws -> Bool {
    let at = offset
    guard try fields.uint32(at) == 0x0403_4b50 else {
      throw Failure(.badData, "its entry '\(shownName)' does not start where the directory says")
    }
    guard at <= next - 30 else { return false }
    let (nameCount, extraCount) = (try fields.uint16(at + 26), try fields.uint16(at + 28))
    let extraStart = at + 30 + nameCount
    let start = extraStart + extraCount
    guard start <= next, range.count <= next - start else { return false }
    let stored = range.count
    range = start..<start + stored
    let extra = ZipExtra(fields, extraStart..<start)
    var wide = try WideNumbers(fields, extra)
    let sizes = (full: try wide.widen(fields.uint32(at + 22)), stored: try wide.widen(fields.uint32(at + 18)))
    let sum = try fields.uint32(at + 14)
    /// Whether a number equals that of the directory, or is omitted because it follows the content.
    func agrees(_ number: Int?, _ expected: Int) -> Bool { number == expected || (hasDescriptor && number == 0) }
    // Bits 1 and 2 are the compression level.
    guard try fields.uint16(at + 6) & ~6 == flags & ~6, try fields.uint16(at + 8) == method,
      agrees(sizes.full, size), agrees(sizes.stored, stored), agrees(sum, Int(checksum)),
      try isNamedAlike(fields.bytes(at + 30, count: nameCount), extra)
    else {
      throw Failure(
        .badData, "its entry '\(shownName)' is described differently in the directory and in its own header",
        advice: "copy it again, or zip it again")
    }
    let tail = range.upperBound..<next
    guard hasDescriptor ? try isDescriptor(tail, fields) : tail.isEmpty else {
      throw Failure(
        .badData, "has bytes after its entry '\(shownName)' that belong to no entry",
        advice: "zip it again, into a new archive")
    }
    return true
  }

  private func isNamedAlike(_ local: UnsafeRawBufferPointer, _ extra: ZipExtra) throws -> Bool {
    let backslash = UInt8(ascii: "\\")
    let name = try extra.unicodeName(of: local).map { Array($0) } ?? Array(local)
    if name == self.name { return true }
    return name.count == self.name.count
      && zip(name, self.name).allSatisfy { $0 == $1 || ($0 == backslash && $1 == UInt8(ascii: "/")) }
  }

  /// Whether this is the record after content of unknown size: checksum and sizes, with or without a signature, in 32 or 64
  /// bits.
  private func isDescriptor(_ range: Range<Int>, _ fields: LittleEndianFields) throws -> Bool {
    var at = range.lowerBound
    switch range.count {
    case 16, 24:
      guard try fields.uint32(at) == 0x0807_4b50 else { return false }
      at += 4
    case 12, 20: break
    default: return false
    }
    guard try fields.uint32(at) == Int(checksum) else { return false }
    let stored = self.range.count
    return range.upperBound - at == 12
      ? try fields.uint32(at + 4) == stored && fields.uint32(at + 8) == size
      : try fields.uint64(at + 4) == stored && fields.uint64(at + 12) == size
  }
}

extension ZipEntry {
  /// The compression method in words.
  public var methodName: String {
    switch method {
    case 0: "nothing"
    case 8: "deflate"
    case 9: "deflate64"
    case 12: "bzip2"
    case 14: "lzma"
    case 93: "zstd"
    case 95: "xz"
    case 98: "ppmd"
    default: "method \(method)"
    }
  }
}
