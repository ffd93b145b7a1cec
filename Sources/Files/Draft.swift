import Diagnostics
import Glibc
import SystemPackage

/// The hidden sibling under whose name an output is written until it is whole: `.NAME.clues-draft-XXXXXX`.
///
/// Its process holds a lock on it. The lock goes with the process, however that ends, so that the next run can tell what
/// was abandoned from what somebody else is writing, also across containers that share a folder.
package final class Draft: Sendable {
  /// Where the draft lies.
  package let path: String

  /// The draft, open: a file for writing, a folder for reading.
  package let descriptor: Int32

  /// Makes an empty draft of `output`, after removing those that nobody writes any more.
  ///
  /// - throws: ``Failure`` `cannotWrite`.
  package init(of output: String, isFolder: Bool) throws {
    try removeAbandonedDrafts(of: output)
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
    let (folder, prefix) = place(of: output)
    let permissions = isFolder ? 0o777 & ~(try mask()) : 0
    var template = Array(folder.appending(prefix + "XXXXXX").string.utf8CString)
    var descriptor: Int32
    if isFolder {
      guard mkdtemp(&template) != nil else { throw failure(output) }
      // Like any folder, not like one for secrets.
      _ = chmod(template, permissions)
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

  /// Gives a draft of a file its permissions, those of any new file where nil, and brings it to disk.
  package func settle(as output: String, permissions: mode_t? = nil) throws {
    guard fchmod(descriptor, try permissions ?? 0o666 & ~Self.mask()) == 0, fsync(descriptor) == 0 else {
      throw Self.failure(output)
    }
  }

  /// Gives the draft its name, in the place of what stood there.
  package func replace(_ output: String) throws {
    guard rename(path, output) == 0 else { throw Self.failure(output) }
    syncFolder(of: output)
  }

  /// Removes the draft, and all that is in it.
  package func remove() { removeTree(path) }

  /// The folder that drafts of an output lie in, and what their names start with.
  static func place(of output: String) -> (folder: FilePath, prefix: String) {
    let output = FilePath(output).absolute
    return (output.folder, ".\(output.name).clues-draft-")
  }

  /// What the user takes away from the rights of new files.
  ///
  /// Read, because asking the system call means setting it: for the whole process, and for good when two threads ask at once.
  /// Where there is no /proc, everything is taken away from everybody else.
  ///
  /// - throws: ``Failure`` `noResources` where it cannot be read now.
  package static func mask() throws -> mode_t {
    var status: [UInt8] = []
    do { status = try StreamReader("/proc/self/status").bytes() } catch let failure as Failure
      where failure.kind == .missingInput
    {}
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Umask:") }
    return line.flatMap { mode_t($0.drop { !$0.isNumber }, radix: 8) } ?? 0o077
  }

  package static func failure(_ output: String) -> Failure {
    Failure(
      system: .cannotWrite, "cannot be written",
      advice: "check that the folder exists, its permissions and the free space", file: output)
  }
}

/// Removes the drafts of `output` that no process is writing.
///
/// What `-old` is appended to is a result that was about to be replaced; where there is no other, it gets its name back.
package func removeAbandonedDrafts(of output: String) throws {
  let (folder, prefix) = Draft.place(of: output)
  for name in try names(in: folder) ?? [] where name.hasPrefix(prefix) {
    let draft = folder.appending(name).string
    // Not to be blocked by a pipe, nor led elsewhere by a link.
    let descriptor = open(draft, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { continue }
    defer { close(descriptor) }
    // Whose lock this is, its process is done with the draft; but another name may stand for it by now.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isSameFile(descriptor, draft) else { continue }
    if name.hasSuffix("-old"), !FilePath(output).exists, rename(draft, output) == 0 { continue }
    removeTree(draft)
  }
}
