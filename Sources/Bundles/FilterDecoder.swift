import CArchive
import Diagnostics
import Foundation

/// Decodes zstd, xz or bzip2 through libarchive, with only the filter that the file's first bytes indicate.
///
/// By default libarchive would look for further layers in the decoded data, before their cost can be counted.
final class FilterDecoder: Decoder {
  private let archive: OpaquePointer
  private let feed: Feed

  init(_ file: UnsafeRawBufferPointer, _ compression: ArchiveKind.Compression) throws {
    archive = archive_read_new()
    feed = Feed(file)
    // A warning here means that libarchive would start a program to decode.
    guard archive_read_append_filter(archive, compression.filterCode) == ARCHIVE_OK,
      archive_read_support_format_raw(archive) == ARCHIVE_OK
    else {
      throw Failure(
        .badData, "is compressed with \(compression.rawValue), which the libarchive here cannot decode",
        advice: "install a libarchive with \(compression.rawValue), or pack it again as a plain tar")
    }
    var entry: OpaquePointer?
    guard feed.open(archive) == ARCHIVE_OK, archive_read_next_header(archive, &entry) == ARCHIVE_OK else {
      throw feed.failure
        ?? Failure(
          libarchive: archive,
          unrecognized: Failure(.badData, "holds nothing that can be decoded", advice: .copyAgain))
    }
  }

  deinit { archive_read_free(archive) }

  var consumed: Int { Int(archive_filter_bytes(archive, -1)) }

  func next() throws -> UnsafeRawBufferPointer? {
    var start: UnsafeRawPointer?
    var size = 0
    var offset: Int64 = 0
    repeat {
      let status = archive_read_data_block(archive, &start, &size, &offset)
      if status == ARCHIVE_EOF { return nil }
      guard status == ARCHIVE_OK else { throw feed.failure ?? Failure(libarchive: archive) }
    } while size == 0
    return UnsafeRawBufferPointer(start: start, count: size)
  }
}

/// Feeds libarchive the mapped file in small pieces, so that it can be interrupted at any time.
final class Feed {
  /// Why the last piece was not returned.
  private(set) var failure: (any Error)?

  private let file: UnsafeRawBufferPointer
  private var place = 0

  /// Small enough to decode in less than a second.
  private static let piece = 1 << 14

  init(_ file: UnsafeRawBufferPointer) { self.file = file }

  /// Opens `archive` on the file; this object must outlive it.
  func open(_ archive: OpaquePointer) -> Int32 {
    archive_read_set_callback_data(archive, Unmanaged.passUnretained(self).toOpaque())
    archive_read_set_read_callback(archive) { _, client, block in
      guard let client, let block else { return Int(ARCHIVE_FATAL) }
      return Unmanaged<Feed>.fromOpaque(client).takeUnretainedValue().read(&block.pointee)
    }
    archive_read_set_seek_callback(archive) { _, client, offset, whence in
      guard let client else { return Int64(ARCHIVE_FATAL) }
      return Unmanaged<Feed>.fromOpaque(client).takeUnretainedValue().seek(offset, whence)
    }
    return archive_read_open1(archive)
  }

  private func read(_ block: inout UnsafeRawPointer?) -> Int {
    do {
      try Interruption.check()
    } catch {
      failure = error
      return Int(ARCHIVE_FATAL)
    }
    let count = min(Self.piece, file.count - place)
    block = file.baseAddress.map { $0 + place }
    place += count
    return count
  }

  private func seek(_ offset: Int64, _ whence: Int32) -> Int64 {
    let origin: Int64 =
      switch whence {
      case SEEK_SET: 0
      case SEEK_CUR: Int64(place)
      default: Int64(file.count)
      }
    let (target, overflow) = origin.addingReportingOverflow(offset)
    guard !overflow, target >= 0 else { return Int64(ARCHIVE_FATAL) }
    place = Int(min(target, Int64(file.count)))
    return Int64(place)
  }
}
