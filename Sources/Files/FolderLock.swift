import Diagnostics
import Glibc

/// A lock on a folder, released with this object or its process.
package final class FolderLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock.
  ///
  /// - parameters:
  ///   - folder: An existing folder.
  ///   - followsLink: Whether it may be a link to one.
  ///   - output: Its name in errors.
  ///   - taken: The error if another process holds the lock.
  /// - throws: ``Failure`` `cannotWrite`, or `taken`.
  package init(_ folder: String, followsLink: Bool, as output: String, taken: Failure) throws {
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followsLink ? 0 : O_NOFOLLOW))
    guard descriptor >= 0 else { throw Failure(system: .cannotWrite, "cannot be opened", file: output) }
    // If the file system has no locks, nobody can be kept out. The descriptor is closed once, when this object goes.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { throw taken }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
