import Tensors

/// A file in an archive or a folder.
public struct BundleEntry: Sendable, Hashable {
  /// The path inside the archive or folder, with slashes.
  public let path: String

  /// Its decoded size in bytes.
  public let size: Int
}

/// A source of files that visits each of them once.
package protocol EntrySource {
  /// The archive or folder as the user wrote it.
  var name: String { get }

  /// The name of the file at `path` in messages.
  func displayName(of path: String) -> String

  /// Visits the files once, in stored order.
  ///
  /// - parameter isWanted: Whether to read a file; called once for each, before its content is read.
  /// - parameter visit: Receives every file, with its content if it was wanted. The content outlives the source.
  /// - returns: Remarks for the user, none of them an error.
  /// - throws: ``Failure`` that names the file.
  func read(wanting isWanted: (BundleEntry) throws -> Bool, visit: (BundleEntry, Bytes?) throws -> Void) throws
    -> [String]
}
