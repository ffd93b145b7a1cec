import Diagnostics
import Glibc
import SystemPackage

/// A text that is completely on disk next to its destination, and only has to be renamed.
package struct AtomicFile {
  private let draft: Draft
  private let path: String

  /// - parameter permissions: By default those of any new file.
  /// - throws: ``Failure`` `cannotWrite`; nothing is left behind then.
  package init(_ text: String, for path: String, permissions: mode_t? = nil) throws {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw Failure(.cannotWrite, "is not a regular file, so it is not replaced", file: path)
    }
    // The target of a link is replaced, not the link.
    self.path = FilePath(path).resolved.string
    draft = try Draft(of: self.path, isFolder: false)
    do {
      guard writeAll(text, to: draft.descriptor) else { throw Failure.cannotWrite(path) }
      try draft.settle(as: path, permissions: permissions)
    } catch {
      abandon()
      throw error
    }
  }

  /// Moves it to its destination, on disk when this returns; a reader finds the old text or the new one, complete.
  package func commit() throws {
    do {
      try draft.replace(path)
    } catch {
      abandon()
      throw error
    }
  }

  package func abandon() { draft.remove() }
}

/// Writes a file completely or not at all; an existing one is replaced.
package func writeWhole(_ text: String, to path: String, permissions: mode_t? = nil) throws {
  try AtomicFile(text, for: path, permissions: permissions).commit()
}

/// The same for what `body` writes to an open file.
package func writeWhole(to path: String, _ body: (Int32) throws -> Void) throws {
  let draft = try Draft(of: path, isFolder: false)
  do {
    try body(draft.descriptor)
    try draft.settle(as: path)
    try draft.replace(path)
  } catch {
    draft.remove()
    throw error
  }
}
