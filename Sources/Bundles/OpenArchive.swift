import CArchive
import Diagnostics
import Foundation
import Tensors

/// The version of libarchive at run time.
public var libarchiveVersion: String { archive_version_string().map { String(cString: $0) } ?? "libarchive" }

/// A tar or 7z read by libarchive, with its status codes turned into failures.
///
/// Only the format that the file's first bytes indicate is enabled, so that nothing can pass for something else.
/// Every warning of libarchive is an error here: packing the bundle again removes its cause.
final class OpenArchive: ArchiveWalk {
  private let archive: OpaquePointer
  private let stream: DecodedStream?
  private var feed: Feed?
  private let file: UnsafeRawBufferPointer
  private let kind: ArchiveKind
  private var entry: OpaquePointer?
  private var isAtFirstHeader = true
  private var hasFormat = false

  /// - parameter file: The whole archive; it must outlive this object.
  init(
    _ file: UnsafeRawBufferPointer, kind: ArchiveKind, limits: Limits, progress: ReadingProgress? = nil
  ) throws {
    self.file = file
    self.kind = kind
    archive = archive_read_new()
    stream =
      if case .compressedTar(let compression) = kind {
        try DecodedStream(file, compression: compression, limits: limits, progress: progress)
      } else {
        nil
      }
    let status =
      kind == .sevenZip ? archive_read_support_format_7zip(archive) : archive_read_support_format_tar(archive)
    guard status == ARCHIVE_OK else { throw failure() }
    if let stream {
      try check(
        archive_read_open(
          archive, Unmanaged.passUnretained(stream).toOpaque(), nil,
          { archive, client, block in
            guard let client, let block else { return Int(ARCHIVE_FATAL) }
            let stream = Unmanaged<DecodedStream>.fromOpaque(client).takeUnretainedValue()
            do {
              let next = try stream.next()
              block.pointee = next?.baseAddress
              return next?.count ?? 0
            } catch {
              stream.failure = error
              return Int(ARCHIVE_FATAL)
            }
          }, nil))
    } else if kind == .sevenZip {
      try SevenZipEnd.check(file)
      let feed = Feed(file)
      self.feed = feed
      try check(feed.open(archive))
    } else {
      var headers = TarHeaders()
      try headers.take(file)
      try check(archive_read_open_memory(archive, file.baseAddress, file.count))
    }
    hasFormat = true
  }

  deinit { archive_read_free(archive) }

  func advance() throws -> Bool {
    try Interruption.check()
    let before = archive_filter_bytes(archive, 0)
    let status = archive_read_next_header(archive, &entry)
    if status == ARCHIVE_EOF {
      try checkEnd(lastEntryEnd: before)
      return false
    }
    defer { isAtFirstHeader = false }
    try check(status)
    return true
  }

  /// The name of the current entry in the archive; nil if libarchive could not convert it to UTF-8.
  func withName<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let name = archive_entry_pathname(entry)
    return try body(UnsafeRawBufferPointer(start: name, count: name.map { strlen($0) } ?? 0))
  }

  var header: EntryHeader {
    EntryHeader(
      nature: nature, isEncrypted: archive_entry_is_encrypted(entry) != 0,
      isSparse: archive_entry_sparse_count(entry) > 0,
      size: archive_entry_size_is_set(entry) == 0 ? nil : archive_entry_size(entry))
  }

  private var nature: EntryHeader.Nature {
    if archive_entry_hardlink(entry) != nil { return .hardLink }
    switch mode_t(archive_entry_filetype(entry)) & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    case S_IFLNK: return .symbolicLink
    case S_IFIFO: return .pipe
    case S_IFSOCK: return .socket
    default: return .device
    }
  }

  func skip() throws { try check(archive_read_data_skip(archive)) }

  func read(into content: EntryContent) throws {
    var block: UnsafeRawPointer?
    var count = 0
    var offset: Int64 = 0
    while true {
      try Interruption.check()
      let status = archive_read_data_block(archive, &block, &count, &offset)
      if status == ARCHIVE_EOF { return }
      try check(status)
      try content.append(UnsafeRawBufferPointer(start: block, count: count), at: offset)
    }
  }

  /// A tar ends with a block of zeros and only zeros after it; otherwise it was cut off, or something was appended.
  private func checkEnd(lastEntryEnd: Int64) throws {
    if kind == .sevenZip { return }
    let end = archive_filter_bytes(archive, 0)
    guard end - lastEntryEnd >= 512 else {
      throw Failure(.badData, "ends without the mark that ends a tar: it is cut off", advice: .copyAgain)
    }
    if let stream {
      guard try stream.finish() < end else { throw Self.goesOn }
      return
    }
    // From the front, a piece at a time: a sparse file may have any number of zeros.
    for start in stride(from: Int(end), to: file.count, by: 1 << 20) {
      try Interruption.check()
      let piece = UnsafeRawBufferPointer(rebasing: file[start..<min(file.count, start + 1 << 20)])
      guard piece.allSatisfy({ $0 == 0 }) else { throw Self.goesOn }
    }
  }

  private static let goesOn = Failure(
    .badData, "has data after the end of the tar",
    advice: "it may be several archives joined together: pack everything as one")

  private func check(_ status: Int32) throws {
    guard status == ARCHIVE_OK else { throw failure() }
  }

  /// The failure that libarchive reports, in Clues' words.
  private func failure() -> any Error {
    if let failure = stream?.failure ?? feed?.failure { return failure }
    // If no format accepted the file, libarchive 3.6.2 follows a wild pointer here.
    if hasFormat, archive_read_has_encrypted_entries(archive) == 1 { return Failure.encrypted }
    return Failure(libarchive: archive, unrecognized: isAtFirstHeader ? unrecognized : nil)
  }

  private var unrecognized: Failure {
    let again = String.copyAgain
    switch kind {
    case .sevenZip, .zip: return Failure(.badData, "is a damaged 7z archive", advice: again)
    case .compressedTar where stream?.isCompressedAgain == true:
      return Failure(.badData, "is compressed more than once", advice: "decompress it once and give the result")
    case .compressedTar(let compression):
      return Failure(
        .badData, "is compressed with \(compression.rawValue), but does not contain a tar",
        advice: "pack the client's folder as .tar, .tar.gz, .tar.zst, .tar.xz, .tar.bz2, .zip or .7z")
    case .tar:
      if file.count > 262, file[257..<262].elementsEqual("ustar".utf8) {
        return Failure(.badData, "starts with a tar header that does not match its checksum", advice: again)
      }
      return Failure(
        .badData, "is not an archive that Clues can read",
        advice: "give a folder, or pack it as .tar, .tar.gz, .tar.zst, .tar.xz, .tar.bz2, .zip or .7z")
    }
  }
}

extension String {
  static let copyAgain = "copy or download it again, or ask the client to pack it again"
}

extension Failure {
  static let encrypted = Failure(.badData, "is encrypted", advice: "pack it again without a password")

  /// libarchive's message about its last error, made readable.
  init(libarchive archive: OpaquePointer, unrecognized: Failure? = nil) {
    let detail = archive_error_string(archive).map { String(showing: Array(String(cString: $0).utf8)) } ?? ""
    let lowercased = detail.lowercased()
    if let unrecognized, lowercased.hasPrefix("unrecognized archive format") {
      self = unrecognized
    } else if detail.isEmpty || ["truncated", "premature end", "unexpected end"].contains(where: lowercased.contains) {
      self = Failure(.badData, "is cut off", advice: .copyAgain)
    } else if ["allocate", "out of memory", "memory limit"].contains(where: lowercased.contains) {
      self = Failure(
        .noResources, "cannot be decoded: there is no memory left (\(detail))",
        advice: "end other programs, or raise the limit on memory (ulimit -v)")
    } else if ["crc", "checksum"].contains(where: lowercased.contains) {
      self = Failure(.badData, "does not match its checksum (\(detail))", advice: .copyAgain)
    } else if lowercased.contains("pathname"), lowercased.contains("convert") {
      self = Failure(.badData, "has a name that is not UTF-8", advice: "rename the file and pack it again")
    } else if lowercased.contains("encrypt") {
      self = .encrypted
    } else {
      self = Failure(.badData, "is damaged (\(detail))", advice: .copyAgain)
    }
  }
}

/// Runs `body` with libarchive reading names as UTF-8, on this thread only.
///
/// If the system lacks that locale, names beyond ASCII that must be converted cause errors instead of becoming other names.
package func withNamesAsUTF8<Result>(_ body: () throws -> Result) rethrows -> Result {
  guard let utf8 = newlocale(1 << LC_CTYPE, "C.UTF-8", nil) else { return try body() }
  let previous = uselocale(utf8)
  defer {
    uselocale(previous)
    freelocale(utf8)
  }
  return try body()
}
