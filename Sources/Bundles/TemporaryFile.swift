import Diagnostics
import Files
import Foundation
import Tensors

/// A file without a name, so that it cannot be opened by others and is removed automatically.
final class TemporaryFile {
  private let descriptor: Int32

  init() throws {
    let folder = FileManager.default.temporaryDirectory.path
    var template = Array("\(folder)/clues-XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    guard descriptor >= 0 else {
      throw Failure(
        system: .cannotWrite, "no temporary file can be made in \(folder)",
        advice: "set TMPDIR to a folder with room")
    }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unlink(template)
  }

  deinit { close(descriptor) }

  func append(_ block: UnsafeRawBufferPointer) throws {
    guard writeAll(block, to: descriptor) else {
      throw Failure(
        system: .cannotWrite, "a temporary file cannot be written",
        advice: "set TMPDIR to a folder with room")
    }
  }

  /// The written content; it outlives this object.
  func map() throws -> Bytes { try Bytes(mapping: descriptor, path: "temporary file") }
}
