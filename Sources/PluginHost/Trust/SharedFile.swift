import Diagnostics
import Files
import Glibc
import SystemPackage

/// A small file that several processes change: an object of this class has exclusive access until it is released.
///
/// The lock is a separate file, which is never removed: otherwise two processes could hold it at the same time.
final class SharedFile {
  private let path: String
  /// What it is, for errors.
  private let what: String
  private let lock: Int32

  /// How long another process may have it.
  private static let patience: Duration = .seconds(30)

  /// Waits for exclusive access. Creates the folder if it is missing.
  ///
  /// - throws: ``Failure`` `untrustedPlugin` if anyone except the user could change the lock, `cannotWrite`.
  init(_ path: String, of what: String) throws {
    (self.path, self.what) = (path, what)
    do {
      try makeFolder(FilePath(path).folder, mode: 0o700, for: path)
    } catch {
      throw Failure(.cannotWrite, "the folder for \(what) does not exist and cannot be created", file: path)
    }
    let name = path + ".lock"
    let clock = ContinuousClock()
    let deadline = clock.now + Self.patience
    while true {
      let file = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
      guard file >= 0 else { throw Self.failure("cannot be locked", path, what) }
      do {
        try checkOwner(of: name)
        if try Self.take(file, until: deadline, path, what), isSameFile(file, name) {
          lock = file
          return
        }
      } catch {
        close(file)
        throw error
      }
      // The lock was removed meanwhile: it no longer excludes anyone.
      close(file)
    }
  }

  deinit { close(lock) }

  private static func take(
    _ file: Int32, until deadline: ContinuousClock.Instant, _ path: String, _ what: String
  ) throws -> Bool {
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw failure("cannot be locked", path, what) }
      guard ContinuousClock.now < deadline else {
        throw Failure(
          .cannotWrite, "\(what) has been locked by another process for too long",
          advice: "see who has it open: fuser '\(path).lock'", file: path)
      }
      usleep(2_000)
    }
    return true
  }

  /// Replaces the file with a new one that only the user may read.
  func replace(with text: String) throws { try writeWhole(text, to: path, permissions: 0o600) }

  private static func failure(_ problem: String, _ path: String, _ what: String) -> Failure {
    Failure(system: .cannotWrite, "\(what) \(problem)", file: path)
  }
}
