import Diagnostics
import Glibc
import SystemPackage

/// The hidden sibling under whose name an output is written until it is complete: `.NAME.clues-draft-XXXXXX`.
///
/// Its process holds a lock on it. The lock disappears with the process, however that ends, so the next run can distinguish
/// abandoned drafts from those being written, also across containers that share a folder.
package final class Draft: Sendable {
  /// The path of the draft.
  package let path: String

  /// The draft, open: a file for writing, a folder for reading.
  package let descriptor: Int32

  /// Makes an empty draft of `output`, after removing abandoned ones.
  ///
  /// - throws: ``Failure`` `cannotWrite`.
  package init(of output: String, isFolder: Bool) throws {
    try removeAbandonedDrafts(of: output)
    // Between creating and locking a draft, another run may take it for abandoned. It is still empty, so a new one is just as
    // good.
    for _ in 0..<Self.attempts {
      guard let (path, descriptor) = try Self.make(of: output, isFolder: isFolder) else { continue }
      self.path = path
      self.descriptor = descriptor
      return
    }
    throw Failure(
      .cannotWrite, "cannot be written: other runs keep removing its drafts",
      advice: "let fewer runs write to the same output at once", file: output)
  }

  /// The maximum number of attempts. Even one collision before the lock is rare.
  private static let attempts = 100

  /// A locked draft, or nil if another run was faster than the lock and removes it.
  private static func make(of output: String, isFolder: Bool) throws -> (path: String, descriptor: Int32)? {
    let (folder, prefix) = place(of: output)
    let permissions = isFolder ? 0o777 & ~(try mask()) : 0
    var template = Array(folder.appending(prefix + "XXXXXX").string.utf8CString)
    var descriptor: Int32
    if isFolder {
      guard mkdtemp(&template) != nil else { throw Failure.cannotWrite(output) }
      // Permissions like any folder, not like one for secrets.
      _ = chmod(template, permissions)
      descriptor = open(template, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      if descriptor < 0, errno == ENOENT { return nil }
    } else {
      descriptor = mkstemp(&template)
      if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }
    guard descriptor >= 0 else {
      let failure = Failure.cannotWrite(output)
      if isFolder { rmdir(template) }
      throw failure
    }
    // On a file system without locks drafts exist all the same, but they are never removed.
    let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    let path = template.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
    if !isTaken, isSameFile(descriptor, path) { return (path, descriptor) }
    close(descriptor)
    return nil
  }

  deinit { close(descriptor) }

  /// Sets the permissions of a draft of a file, by default those of any new file, and flushes it to disk.
  package func settle(as output: String, permissions: mode_t? = nil) throws {
    guard fchmod(descriptor, try permissions ?? 0o666 & ~Self.mask()) == 0, fsync(descriptor) == 0 else {
      throw Failure.cannotWrite(output)
    }
  }

  /// Renames the draft to `output`, replacing what exists there.
  package func replace(_ output: String) throws {
    guard rename(path, output) == 0 else { throw Failure.cannotWrite(output) }
    syncFolder(of: output)
  }

  /// Removes the draft with everything in it.
  package func remove() { removeTree(path) }

  /// The folder of an output's drafts, and the prefix of their names.
  static func place(of output: String) -> (folder: FilePath, prefix: String) {
    let output = FilePath(output).absolute
    return (output.folder, ".\(output.name).clues-draft-")
  }

  /// The user's umask.
  ///
  /// Read from /proc, because the system call must set it to return it: for the whole process, and permanently if two threads
  /// do so at once. Without /proc, all rights of group and others are masked.
  ///
  /// - throws: ``Failure`` `noResources` if it cannot be read now.
  package static func mask() throws -> mode_t {
    var status: [UInt8] = []
    do { status = try StreamReader("/proc/self/status").bytes() } catch let failure as Failure
      where failure.kind == .missingInput
    {}
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Umask:") }
    return line.flatMap { mode_t($0.drop { !$0.isNumber }, radix: 8) } ?? 0o077
  }
}

/// Removes the drafts of `output` that no process is writing.
///
/// A name with the suffix `-old` is a result that was about to be replaced; if there is no other, it gets its name back.
package func removeAbandonedDrafts(of output: String) throws {
  let (folder, prefix) = Draft.place(of: output)
  for name in try names(in: folder) ?? [] where name.hasPrefix(prefix) {
    let draft = folder.appending(name).string
    // Must neither block on a pipe nor follow a link.
    let descriptor = open(draft, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { continue }
    defer { close(descriptor) }
    // If the lock is free, its process is done with the draft; but the name may already refer to another file.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isSameFile(descriptor, draft) else { continue }
    if name.hasSuffix("-old"), !FilePath(output).exists, rename(draft, output) == 0 { continue }
    removeTree(draft)
  }
}
