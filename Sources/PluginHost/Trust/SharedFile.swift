import Diagnostics
import Files
import Glibc
import SystemPackage

/// A small file that several processes change: whoever has one of these is alone with it until it is gone.
///
/// The lock is a file of its own, which is never removed: one that comes and goes could be held by two at a time.
final class SharedFile {
  private let path: String
  /// What it is, for errors.
  private let what: String
  private let lock: Int32

  /// How long somebody else may have it.
  private static let patience: Duration = .seconds(30)

  /// Waits until nobody else has it. Its folder is made where it is not there.
  ///
  /// - throws: ``Failure`` `untrustedPlugin` when others than the user could change the lock, `cannotWrite`.
  init(_ path: String, of what: String) throws {
    (self.path, self.what) = (path, what)
    do {
      try makeFolder(FilePath(path).folder, mode: 0o700, for: path)
    } catch {
      throw Failure(.cannotWrite, "there is no folder for \(what), and none can be made", file: path)
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
      // Somebody removed the lock meanwhile: it locks nobody out any more.
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
          .cannotWrite, "\(what) is being changed by somebody else who does not come to an end",
          advice: "see who has it open: fuser '\(path).lock'", file: path)
      }
      usleep(2_000)
    }
    return true
  }

  /// Puts a new file in its place, which nobody but the user may read.
  func replace(with text: String) throws { try writeWhole(text, to: path, permissions: 0o600) }

  private static func failure(_ problem: String, _ path: String, _ what: String) -> Failure {
    Failure(system: .cannotWrite, "\(what) \(problem)", file: path)
  }
}
