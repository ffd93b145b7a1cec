import CArchive
import Diagnostics
import Files
import Glibc
import Tensors

/// Writes an archive next to its destination and moves it there once it is complete.
final class ArchiveWriter {
  private let archive: OpaquePointer
  private let output: String
  private let draft: Draft
  /// Throws if the user has asked to stop.
  private let interruption: () throws -> Void
  private var isRenamed = false

  init(_ output: String, format: PackedFormat, interruption: @escaping () throws -> Void = {}) throws {
    self.output = output
    self.interruption = interruption
    draft = try Draft(of: output, isFolder: false)
    archive = archive_write_new()
    guard format.prepare(archive), archive_write_open_fd(archive, draft.descriptor) == ARCHIVE_OK else {
      throw failure()
    }
  }

  deinit {
    archive_write_free(archive)
    if !isRenamed { draft.remove() }
  }

  /// Adds a file without recording when, where and by whom it was written.
  ///
  /// - parameter advance: Receives after every block how many more bytes have been written.
  func add(_ path: String, _ content: Bytes, advance: ReadingProgress? = nil) throws {
    try withNamesAsUTF8 {
      let entry = archive_entry_new()
      defer { archive_entry_free(entry) }
      archive_entry_set_pathname_utf8(entry, path)
      archive_entry_set_filetype(entry, UInt32(0o100000))
      archive_entry_set_perm(entry, 0o644)
      archive_entry_set_size(entry, Int64(content.count))
      archive_entry_set_mtime(entry, 0, 0)
      try check(archive_write_header(archive, entry))
      try content.withUnsafeBytes { raw in
        var rest = raw
        while !rest.isEmpty {
          try interruption()
          let written = archive_write_data(archive, rest.baseAddress, min(rest.count, 1 << 20))
          guard written > 0 else { throw failure() }
          rest = UnsafeRawBufferPointer(rebasing: rest[written...])
          try advance?(written)
        }
      }
      try check(archive_write_finish_entry(archive))
    }
  }

  /// Completes the archive and puts it in its place.
  ///
  /// - returns: Its size in bytes.
  /// - throws: ``Failure`` `cannotWrite`, also if a file exists that may not be replaced.
  func finish(replacing: Bool) throws -> Int {
    try check(archive_write_close(archive))
    try draft.settle(as: output)
    var status = stat()
    guard fstat(draft.descriptor, &status) == 0 else { throw Failure.cannotWrite(output) }
    try interruption()
    if replacing {
      try draft.replace(output)
      isRenamed = true
    } else {
      // Unlike a rename, a link fails if another process was faster.
      guard link(draft.path, output) == 0 else {
        throw errno == EEXIST ? Failure.exists(at: output) : Failure.cannotWrite(output)
      }
      syncFolder(of: output)
    }
    return Int(status.st_size)
  }

  private func check(_ status: Int32) throws {
    guard status == ARCHIVE_OK else { throw failure() }
  }

  private func failure() -> Failure {
    let detail = archive_error_string(archive).map { String(cString: $0) } ?? "unknown reason"
    return Failure.cannotWrite(output, because: detail)
  }
}
