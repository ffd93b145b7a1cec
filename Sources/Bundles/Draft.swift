import Diagnostics
import Foundation
import Tensors

/// The hidden sibling under whose name an output is written until it is whole: `.NAME.clues-draft-XXXXXX`.
///
/// Its process holds a lock on it. The lock goes with the process, however that ends, so that the next run can tell what
/// was abandoned from what somebody else is writing, also across containers that share a folder.
public final class Draft: Sendable {
  /// Where the draft lies.
  public let path: String

  /// The draft, open: a file for writing, a folder for reading.
  public let descriptor: Int32

  /// Makes an empty draft of `output`, after removing those that nobody writes any more.
  ///
  /// - throws: ``Failure`` `cannotWrite`.
  public init(of output: String, isFolder: Bool) throws {
    removeAbandonedDrafts(of: output)
    // Between the moment when a draft is made and that of its lock another run may take it for abandoned. Nothing is in it
    // yet, so the next one is as good.
    for _ in 0..<Self.attempts {
      guard let (path, descriptor) = try Self.make(of: output, isFolder: isFolder) else { continue }
      self.path = path
      self.descriptor = descriptor
      return
    }
    throw Failure(
      .cannotWrite, "cannot be written: other runs remove every draft of it",
      advice: "let fewer runs write to the same output at once", file: output)
  }

  /// How often a draft is made anew. That another run meets it before its lock is rare even once.
  private static let attempts = 100

  /// A draft under lock, or nil where somebody else was quicker than the lock and removes it.
  private static func make(of output: String, isFolder: Bool) throws -> (path: String, descriptor: Int32)? {
    var template = Array((prefix(of: output) + "XXXXXX").utf8CString)
    var descriptor: Int32
    if isFolder {
      guard mkdtemp(&template) != nil else { throw failure(output) }
      // Like any folder, not like one for secrets.
      _ = chmod(template, 0o777 & ~mask)
      descriptor = open(template, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      if descriptor < 0, errno == ENOENT { return nil }
    } else {
      descriptor = mkstemp(&template)
      if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }
    guard descriptor >= 0 else {
      let failure = failure(output)
      if isFolder { rmdir(template) }
      throw failure
    }
    // A file system without locks has drafts all the same; nobody removes them then.
    let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    let path = template.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
    if !isTaken, isSameFile(descriptor, path) { return (path, descriptor) }
    close(descriptor)
    return nil
  }

  deinit { close(descriptor) }

  /// Gives a draft of a file the permissions of any file and brings it to disk.
  public func settle(as output: String) throws {
    guard fchmod(descriptor, 0o666 & ~Self.mask) == 0, fsync(descriptor) == 0 else { throw Self.failure(output) }
  }

  /// Writes to a draft of a file.
  public func write(_ bytes: UnsafeRawBufferPointer, as output: String) throws {
    guard writeAll(bytes, to: descriptor) else { throw Self.failure(output) }
  }

  /// Gives the draft its name, in the place of what stood there.
  public func replace(_ output: String) throws {
    guard rename(path, output) == 0 else { throw Self.failure(output) }
    syncFolder(of: output)
  }

  /// What the names of drafts start with, the folder included.
  static func prefix(of output: String) -> String {
    let url = URL(filePath: output).standardizedFileURL
    return url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).clues-draft-").path
  }

  /// What the user takes away from the rights of new files.
  ///
  /// Read, because asking the system call means setting it: for the whole process, and for good when two threads ask at once.
  static var mask: mode_t {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Umask:") }
    return line.flatMap { mode_t($0.dropFirst(6).trimmingCharacters(in: .whitespaces), radix: 8) } ?? 0o077
  }

  static func failure(_ output: String) -> Failure {
    Failure(
      system: .cannotWrite, "cannot be written",
      advice: "check that the folder exists, its permissions and the free space", file: output)
  }
}

/// Removes the drafts of `output` that no process is writing.
///
/// What `-old` is appended to is a result that was about to be replaced; where there is no other, it gets its name back.
func removeAbandonedDrafts(of output: String) {
  let prefix = URL(filePath: Draft.prefix(of: output))
  let folder = prefix.deletingLastPathComponent().path
  for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  where name.hasPrefix(prefix.lastPathComponent) {
    let draft = folder + "/" + name
    // Not to be blocked by a pipe, nor led elsewhere by a link.
    let descriptor = open(draft, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { continue }
    defer { close(descriptor) }
    // Whose lock this is, its process is done with the draft; but another name may stand for it by now.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isSameFile(descriptor, draft) else { continue }
    if name.hasSuffix("-old"), !FileManager.default.fileExists(atPath: output), rename(draft, output) == 0 { continue }
    try? FileManager.default.removeItem(atPath: draft)
  }
}

/// Brings the names in the folder of `output` to disk.
public func syncFolder(of output: String) {
  let folder = open(URL(filePath: output).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard folder >= 0 else { return }
  fsync(folder)
  close(folder)
}

private func isSameFile(_ descriptor: Int32, _ path: String) -> Bool {
  var (open, named) = (stat(), stat())
  return fstat(descriptor, &open) == 0 && lstat(path, &named) == 0 && open.st_dev == named.st_dev
    && open.st_ino == named.st_ino
}
