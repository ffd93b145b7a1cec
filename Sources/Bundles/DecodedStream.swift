import CArchive
import Diagnostics
import Foundation
import Tensors

/// The one stream inside a compressed file, decoded block by block.
///
/// Decoding apart from reading the tar lets us count every byte before anybody looks at it, skipped or not, and go on to
/// the end, where the checksums are.
final class DecodedStream {
  /// Why the last block could not be given out; the tar reader between us and the caller knows only that it failed.
  var failure: (any Error)?

  private let archive: OpaquePointer
  private let file: UnsafeRawBufferPointer
  private let limits: Limits
  private let compression: ArchiveKind.Compression
  private var checksum = CRC32()
  private var count = 0
  private var lastNonZero: Int64 = -1
  private let progress: ReadingProgress?

  init(
    _ file: UnsafeRawBufferPointer, compression: ArchiveKind.Compression, limits: Limits,
    progress: ReadingProgress? = nil
  ) throws {
    self.file = file
    self.limits = limits
    self.progress = progress
    self.compression = compression
    archive = archive_read_new()
    let support =
      switch compression {
      case .gzip: archive_read_support_filter_gzip(archive)
      case .zstd: archive_read_support_filter_zstd(archive)
      case .xz: archive_read_support_filter_xz(archive)
      case .bzip2: archive_read_support_filter_bzip2(archive)
      }
    // A warning here means that libarchive would start a program to decode.
    guard support == ARCHIVE_OK, archive_read_support_format_raw(archive) == ARCHIVE_OK else {
      throw Failure(
        .badData, "is compressed with \(compression.rawValue), which the libarchive here cannot decode",
        advice: "install a libarchive with \(compression.rawValue), or pack it again as a plain tar")
    }
    var entry: OpaquePointer?
    guard archive_read_open_memory(archive, file.baseAddress, file.count) == ARCHIVE_OK,
      archive_read_next_header(archive, &entry) == ARCHIVE_OK
    else {
      throw Failure(
        libarchive: archive, unrecognized: Failure(.badData, "holds nothing that can be decoded", advice: .copyAgain))
    }
    guard archive_filter_count(archive) == 2, archive_filter_code(archive, 0) == compression.filterCode else {
      throw Failure(.badData, "is compressed more than once", advice: "decompress it once and give what comes out")
    }
  }

  deinit { archive_read_free(archive) }

  /// The next decoded bytes, valid until the next call, or nil at the end.
  func next() throws -> UnsafeRawBufferPointer? {
    var start: UnsafeRawPointer?
    var size = 0
    var offset: Int64 = 0
    repeat {
      let status = archive_read_data_block(archive, &start, &size, &offset)
      if status == ARCHIVE_EOF { return nil }
      guard status == ARCHIVE_OK else { throw Failure(libarchive: archive) }
    } while size == 0
    let block = UnsafeRawBufferPointer(start: start, count: size)
    if let last = block.lastIndex(where: { $0 != 0 }) { lastNonZero = Int64(count + last) }
    if compression == .gzip { checksum.add(block) }
    count += size
    try limits.check(decoded: count, archive: file.count)
    try progress?(Int(archive_filter_bytes(archive, -1)))
    return block
  }

  /// Decodes what is left and checks it.
  ///
  /// - returns: The place of the last byte that is not zero, or -1.
  func finish() throws -> Int64 {
    while try next() != nil {}
    if compression == .gzip { try checkTrailer() }
    return lastNonZero
  }

  /// libarchive skips the checksum at the end of a gzip file (RFC 1952, section 2.3.1), so we look at it.
  private func checkTrailer() throws {
    func word(at place: Int) -> UInt32 {
      UInt32(littleEndian: file.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }
    guard file.count >= 18, word(at: file.count - 8) == checksum.value,
      word(at: file.count - 4) == UInt32(truncatingIfNeeded: count)
    else {
      throw Failure(
        .badData, "does not match its gzip checksum",
        advice: "it is damaged, or several gzip files glued together: \(String.copyAgain)")
    }
  }
}

extension Limits {
  /// Refuses an archive that has grown to `decoded` bytes beyond what is sane.
  func check(decoded: Int, archive size: Int) throws {
    guard decoded <= self[.totalSize] else {
      throw Failure(beyond: .totalSize, "decodes to more than the limit of \(self[.totalSize]) bytes")
    }
    guard decoded <= self[.ratioFloor] || decoded / max(size, 1) < self[.ratio] else {
      throw Failure(
        beyond: .ratio, "decodes to more than \(self[.ratio]) times its size, as archives made to fill memory do")
    }
  }
}
