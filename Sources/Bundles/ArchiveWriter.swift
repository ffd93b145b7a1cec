import CArchive
import Diagnostics
import Foundation
import Tensors

/// Writes an archive beside its destination and moves it there once it is whole.
final class ArchiveWriter {
  private let archive: OpaquePointer
  private let output: String
  private let temporary: String
  private let descriptor: Int32
  private var isFinished = false

  init(_ output: String, format: PackedFormat) throws {
    self.output = output
    var template = Array("\(output).XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw Self.failure("cannot be written: \(systemMessage())", output) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    temporary = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    archive = archive_write_new()
    guard format.prepare(archive), archive_write_open_fd(archive, descriptor) == ARCHIVE_OK else { throw failure() }
  }

  deinit {
    archive_write_free(archive)
    close(descriptor)
    if !isFinished { unlink(temporary) }
  }

  /// Adds a file that says nothing of when, where and by whom it was written.
  ///
  /// - parameter advance: Gets to know after every block how many bytes more are written.
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
  /// - throws: ``Failure`` `cannotWrite`, also when there is a file already that may not be replaced.
  func finish(replacing: Bool) throws -> Int {
    try check(archive_write_close(archive))
    let mask = umask(0)
    umask(mask)
    var status = stat()
    guard fchmod(descriptor, 0o666 & ~mask) == 0, fsync(descriptor) == 0, fstat(descriptor, &status) == 0 else {
      throw Self.failure("cannot be written: \(systemMessage())", output)
    }
    if replacing {
      guard rename(temporary, output) == 0 else { throw Self.failure("cannot be replaced: \(systemMessage())", output) }
      isFinished = true
    } else {
      // A link, unlike a rename, fails when somebody else was faster.
      guard link(temporary, output) == 0 else {
        throw errno == EEXIST ? Self.exists(output) : Self.failure("cannot be written: \(systemMessage())", output)
      }
    }
    Self.syncFolder(of: output)
    return Int(status.st_size)
  }

  static func exists(_ output: String) -> Failure {
    Failure(.cannotWrite, "exists already", advice: "choose another name, or replace it with --force", file: output)
  }

  private static func syncFolder(of output: String) {
    let folder = open(URL(filePath: output).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  private func check(_ status: Int32) throws {
    guard status == ARCHIVE_OK else { throw failure() }
  }

  private func failure() -> Failure {
    let said = archive_error_string(archive).map { String(cString: $0) } ?? "unknown reason"
    return Self.failure("cannot be written: \(said)", output)
  }

  private static func failure(_ message: String, _ output: String) -> Failure {
    Failure(.cannotWrite, message, advice: "check that the folder exists and has room", file: output)
  }
}
