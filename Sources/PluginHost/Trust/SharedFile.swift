import Diagnostics
import Foundation
import Tensors

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
      try FileManager.default.createDirectory(
        at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
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
        if try Self.take(file, until: deadline, path, what), Self.is(file, at: name) {
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

  /// Whether this is still the file of that name.
  private static func `is`(_ file: Int32, at name: String) -> Bool {
    var (mine, named) = (stat(), stat())
    return fstat(file, &mine) == 0 && lstat(name, &named) == 0 && mine.st_dev == named.st_dev
      && mine.st_ino == named.st_ino
  }

  /// Puts a new file in its place, on disk when this returns; whoever reads finds the old one or the new one, whole.
  func replace(with text: String) throws {
    // One name will do, for its maker is alone; one that is there was left behind by somebody who was killed.
    let draft = path + ".draft"
    unlink(draft)
    let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw Self.failure("cannot be written", path, what) }
    let isWritten = Array(text.utf8).withUnsafeBytes { writeAll($0, to: file, at: 0) } && fsync(file) == 0
    let reason = errno
    guard close(file) == 0, isWritten, rename(draft, path) == 0 else {
      if !isWritten { errno = reason }
      let failure = Self.failure("cannot be written", path, what)
      unlink(draft)
      throw failure
    }
    // The new name, too, is to survive a power failure.
    let folder = open(URL(filePath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  private static func failure(_ problem: String, _ path: String, _ what: String) -> Failure {
    Failure(system: .cannotWrite, "\(what) \(problem)", file: path)
  }
}
