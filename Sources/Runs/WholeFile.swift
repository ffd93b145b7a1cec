import Bundles
import Diagnostics
import Foundation

/// A text that is on disk beside its place, whole, and waits to be given its name.
struct WholeFile {
  private let draft: Draft
  private let path: String

  /// - throws: ``Failure`` `cannotWrite`; nothing is left then.
  init(_ text: String, for path: String) throws {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      throw Failure(.cannotWrite, "is no regular file, so it is not replaced", file: path)
    }
    // What a link leads to is replaced, not the link.
    self.path = URL(filePath: path).resolvingSymlinksInPath().path
    draft = try Draft(of: self.path, isFolder: false)
    do {
      var text = text
      try text.withUTF8 { try draft.write(UnsafeRawBufferPointer($0), as: path) }
      try draft.settle(as: path)
    } catch {
      abandon()
      throw error
    }
  }

  func commit() throws {
    do {
      try draft.replace(path)
    } catch {
      abandon()
      throw error
    }
  }

  func abandon() { unlink(draft.path) }
}

/// Writes a file whole or not at all; what stood there is replaced.
func writeWhole(_ text: String, to path: String) throws { try WholeFile(text, for: path).commit() }
