import CArchive
import Diagnostics
import Foundation
import Tensors

/// The version of libarchive that runs here.
public var libarchiveVersion: String { archive_version_string().map { String(cString: $0) } ?? "libarchive" }

/// An archive that libarchive reads for us, with its status codes turned into failures.
///
/// Only the one format that the file's first bytes promise is enabled, so that nothing can pass for something else.
/// Every warning of libarchive is an error here: whoever packs a bundle anew gets rid of it.
final class OpenArchive {
  private let archive: OpaquePointer
  private let stream: DecodedStream?
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
      switch kind {
      case .tar, .compressedTar: archive_read_support_format_tar(archive)
      case .zip: archive_read_support_format_zip_seekable(archive)
      case .sevenZip: archive_read_support_format_7zip(archive)
      }
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
    } else {
      try check(archive_read_open_memory(archive, file.baseAddress, file.count))
    }
    hasFormat = true
  }

  deinit { archive_read_free(archive) }

  /// Goes to the next entry; false at the end of a whole archive.
  func advance() throws -> Bool {
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

  /// The name of the current entry as the archive has it; nil where libarchive could make no UTF-8 of it.
  func withName<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let name = archive_entry_pathname(entry)
    return try body(UnsafeRawBufferPointer(start: name, count: name.map { strlen($0) } ?? 0))
  }

  /// What the current entry is.
  var nature: Nature {
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

  enum Nature { case file, folder, symbolicLink, hardLink, pipe, socket, device }

  var isEncrypted: Bool { archive_entry_is_encrypted(entry) != 0 }
  var isSparse: Bool { archive_entry_sparse_count(entry) > 0 }

  /// How the current entry of a zip is compressed, if that is a way that is not read.
  ///
  /// Stored and deflated is what all tools write. The others (lzma, xz, ppmd, bzip2, zstd) let an entry of a few bytes ask
  /// for gigabytes to decode it in.
  var unreadCompression: String? {
    guard kind == .zip, let name = archive_format_name(archive).map({ String(cString: $0) }) else { return nil }
    let method = name.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
    return method == "uncompressed" || method == "deflation" ? nil : String(method)
  }

  /// The size that the current entry announces.
  var size: Int64? { archive_entry_size_is_set(entry) == 0 ? nil : archive_entry_size(entry) }

  /// Passes over the content of the current entry.
  func skip() throws { try check(archive_read_data_skip(archive)) }

  /// Reads the content of the current entry into `content`.
  func read(into content: EntryContent) throws {
    var block: UnsafeRawPointer?
    var count = 0
    var offset: Int64 = 0
    while true {
      let status = archive_read_data_block(archive, &block, &count, &offset)
      if status == ARCHIVE_EOF { return }
      try check(status)
      try content.append(UnsafeRawBufferPointer(start: block, count: count), at: offset)
    }
  }

  /// A tar ends with a block of zeros and nothing but zeros after it; otherwise it was cut off, or something was glued on.
  private func checkEnd(lastEntryEnd: Int64) throws {
    switch kind {
    case .zip, .sevenZip: return
    case .tar, .compressedTar: break
    }
    let end = archive_filter_bytes(archive, 0)
    guard end - lastEntryEnd >= 512 else {
      throw Failure(.badData, "ends without the mark that ends a tar: it is cut off", advice: .copyAgain)
    }
    let lastByte =
      if let stream { try stream.finish() } else { Int64(file.lastIndex { $0 != 0 } ?? -1) }
    guard lastByte < end else {
      throw Failure(
        .badData, "goes on after the end of the tar in it",
        advice: "it may be several archives glued together: pack what belongs together as one")
    }
  }

  private func check(_ status: Int32) throws {
    guard status == ARCHIVE_OK else { throw failure() }
  }

  /// The failure that libarchive reports, in our words.
  private func failure() -> any Error {
    if let failure = stream?.failure { return failure }
    // Where no format took the file, libarchive 3.6.2 follows a wild pointer on this question.
    if hasFormat, archive_read_has_encrypted_entries(archive) == 1 { return Failure.encrypted }
    return Failure(libarchive: archive, unrecognized: isAtFirstHeader ? unrecognized : nil)
  }

  private var unrecognized: Failure {
    let again = String.copyAgain
    switch kind {
    case .zip: return Failure(.badData, "is a zip without its table of contents: it is cut off", advice: again)
    case .sevenZip: return Failure(.badData, "is a damaged 7z archive", advice: again)
    case .compressedTar(let compression):
      return Failure(
        .badData, "is compressed with \(compression.rawValue), but what it holds is no tar",
        advice: "pack the client's folder as .tar, .tar.gz, .tar.zst, .tar.xz, .tar.bz2, .zip or .7z")
    case .tar:
      if file.count > 262, file[257..<262].elementsEqual("ustar".utf8) {
        return Failure(.badData, "starts with a tar header that does not match its checksum", advice: again)
      }
      return Failure(
        .badData, "is no archive that can be read here",
        advice: "give a folder, or pack it as .tar, .tar.gz, .tar.zst, .tar.xz, .tar.bz2, .zip or .7z")
    }
  }
}

extension String {
  static let copyAgain = "copy or download it again, or ask the client to pack it again"
}

extension Failure {
  static let encrypted = Failure(.badData, "is encrypted", advice: "pack it again without a password")

  /// What libarchive says about its last error, made readable.
  init(libarchive archive: OpaquePointer, unrecognized: Failure? = nil) {
    let said = archive_error_string(archive).map { String(showing: Array(String(cString: $0).utf8)) } ?? ""
    let lowercased = said.lowercased()
    if let unrecognized, lowercased.hasPrefix("unrecognized archive format") {
      self = unrecognized
    } else if said.isEmpty || ["truncated", "premature end", "unexpected end"].contains(where: lowercased.contains) {
      self = Failure(.badData, "is cut off", advice: .copyAgain)
    } else if ["crc", "checksum"].contains(where: lowercased.contains) {
      self = Failure(.badData, "does not match its checksum (\(said))", advice: .copyAgain)
    } else if lowercased.contains("pathname"), lowercased.contains("convert") {
      self = Failure(.badData, "has a name that is not UTF-8", advice: "rename the file and pack it again")
    } else if lowercased.contains("encrypt") {
      self = .encrypted
    } else {
      self = Failure(.badData, "is damaged (\(said))", advice: .copyAgain)
    }
  }
}

/// Runs `body` where libarchive takes names for UTF-8, on this thread only.
///
/// Where the system lacks that locale, names beyond ASCII that must be converted end as errors, not as other names.
package func withNamesAsUTF8<Result>(_ body: () throws -> Result) rethrows -> Result {
  guard let utf8 = newlocale(1 << LC_CTYPE, "C.UTF-8", nil) else { return try body() }
  let previous = uselocale(utf8)
  defer {
    uselocale(previous)
    freelocale(utf8)
  }
  return try body()
}
