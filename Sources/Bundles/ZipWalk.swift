import Diagnostics
import Foundation
import Tensors
import Zip

/// A zip, read by its directory after checking that the local headers agree with it.
///
/// Stored entries are returned in place. Deflate is the only compression that is read: all tools write it, and the others
/// (lzma, ppmd, …) let an entry of a few bytes demand gigabytes to decode it.
final class ZipWalk: ArchiveWalk {
  private let file: Bytes
  private let entries: [ZipEntry]
  private var next = 0
  private var entry: ZipEntry { entries[next - 1] }

  init(_ file: Bytes, limits: Limits) throws {
    self.file = file
    entries = try ZipDirectory(file, most: .entries, limits: limits).entries
  }

  func advance() throws -> Bool {
    try Interruption.check()
    guard next < entries.count else { return false }
    next += 1
    return true
  }

  func withName<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try entry.name.withUnsafeBytes(body)
  }

  var header: EntryHeader {
    EntryHeader(
      nature: nature, isEncrypted: entry.isEncrypted,
      unreadCompression: entry.method == 0 || entry.method == 8 ? nil : entry.methodName, size: Int64(entry.size))
  }

  private var nature: EntryHeader.Nature {
    if entry.name.last == UInt8(ascii: "/") { return .folder }
    switch mode_t(truncatingIfNeeded: entry.mode) & S_IFMT {
    case S_IFDIR: return .folder
    case S_IFLNK: return .symbolicLink
    case S_IFSOCK: return .socket
    case S_IFCHR, S_IFBLK: return .device
    // Some tools write no type; and Info-ZIP marks what it packs from a pipe as a pipe.
    default: return .file
    }
  }

  func skip() throws {
    guard nature == .folder, entry.size != 0 else { return }
    throw Failure(.badData, "is a folder that holds bytes of its own", advice: "zip the folder again")
  }

  func read(into content: EntryContent) throws {
    let packed = file[entry.range]
    var sum = CRC32()
    if entry.method == 0 {
      try packed.withUnsafeBytes { try content.append($0, at: 0) }
      guard try crc32(of: packed) == entry.checksum else { throw wrongChecksum }
      return
    }
    try packed.withUnsafeBytes { raw in
      let inflation = try Inflation(raw, wrapper: .none)
      var count = 0
      while let block = try inflation.next() {
        try content.append(block, at: Int64(count))
        sum.add(block)
        count += block.count
      }
      guard inflation.consumed == raw.count else {
        throw Failure(.badData, "has data after the end of its compressed content", advice: .copyAgain)
      }
    }
    guard sum.value == entry.checksum else { throw wrongChecksum }
  }

  private var wrongChecksum: Failure { Failure(.badData, "does not match its checksum", advice: .copyAgain) }
}
