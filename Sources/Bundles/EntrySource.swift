import Tensors

/// A file in an archive or a folder.
public struct BundleEntry: Sendable, Hashable {
  /// The path inside the archive or folder, with slashes.
  public let path: String

  /// Its bytes once decoded.
  public let size: Int
}

/// Something that holds files and shows each of them once.
package protocol EntrySource {
  /// The archive or folder as the user wrote it.
  var name: String { get }

  /// How messages call the file at `path`.
  func displayName(of path: String) -> String

  /// Goes through the files once, in the order in which they lie.
  ///
  /// - parameter isWanted: Whether to read a file; asked once for each, before its content is looked at.
  /// - parameter visit: Gets every file, with its content if it was wanted. The content outlives the source.
  /// - returns: What the user should know although it is no error.
  /// - throws: ``Failure`` that names the file.
  func read(wanting isWanted: (BundleEntry) throws -> Bool, visit: (BundleEntry, Bytes?) throws -> Void) throws
    -> [String]
}
