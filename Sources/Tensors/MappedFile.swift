import Diagnostics
import Files
import Glibc
import Synchronization

/// The file of a mapping, still open if there are descriptors to spare.
final class MappedFile: Sendable {
  private let path: String
  private let descriptor: Int32?

  /// How many files are held open, and how many may be: a quarter of the process's limit. Locked because any thread may open or
  /// close one.
  private static let held = Mutex(0)
  private static let most: Int = {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
    return Int(clamping: limit.rlim_cur / 4)
  }()

  /// - parameter descriptor: The open file, still owned by the caller.
  init(_ descriptor: Int32, path: String) {
    self.path = path
    let own = Self.held.withLock { held in
      guard held < Self.most else { return Int32(-1) }
      let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
      if own >= 0 { held += 1 }
      return own
    }
    self.descriptor = own >= 0 ? own : nil
  }

  deinit {
    guard let descriptor else { return }
    close(descriptor)
    Self.held.withLock { $0 -= 1 }
  }

  /// Reads a range of the file; false if it is not held open, and nothing was read.
  func read(_ range: Range<Int>, into target: UnsafeMutableRawPointer) throws -> Bool {
    guard let descriptor else { return false }
    try locating(file: path) {
      try readAll(
        descriptor, at: range.lowerBound, into: UnsafeMutableRawBufferPointer(start: target, count: range.count))
    }
    return true
  }
}
