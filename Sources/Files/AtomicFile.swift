import Diagnostics
import Glibc
import SystemPackage

/// A text that is on disk beside its place, whole, and waits to be given its name.
package struct AtomicFile {
  private let draft: Draft
  private let path: String

  /// - parameter permissions: Those of any new file where nil.
  /// - throws: ``Failure`` `cannotWrite`; nothing is left then.
  package init(_ text: String, for path: String, permissions: mode_t? = nil) throws {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw Failure(.cannotWrite, "is no regular file, so it is not replaced", file: path)
    }
    // What a link leads to is replaced, not the link.
    self.path = FilePath(path).resolved.string
    draft = try Draft(of: self.path, isFolder: false)
    do {
      guard writeAll(text, to: draft.descriptor) else { throw Draft.failure(path) }
      try draft.settle(as: path, permissions: permissions)
    } catch {
      abandon()
      throw error
    }
  }

  /// Puts it in its place, on disk when this returns; whoever reads finds the old text or the new one, whole.
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

/// Writes a file whole or not at all; what stood there is replaced.
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
