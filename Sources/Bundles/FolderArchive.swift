import Diagnostics
import Foundation
import Tensors

/// A folder's files as an archive: the same files always give the same bytes, and the archive appears whole or not at all.
public struct FolderArchive {
  /// Whether a name has an ending that says how to pack, such as `.tar.zst`.
  public static func isNamed(_ output: String) -> Bool { (try? PackedFormat(ending: output)) != nil }

  /// Packs files, by path, below one folder named like the archive.
  ///
  /// - parameters:
  ///   - interruption: Throws when the user has asked to stop.
  ///   - content: The content of a file.
  /// - throws: ``Failure`` `cannotWrite`, also when there is a file already that may not be replaced.
  public static func pack(
    _ names: [String], to output: String, replacing: Bool, interruption: @escaping () throws -> Void = {},
    content: (String) throws -> Bytes
  ) throws {
    let format = try PackedFormat(ending: output)
    let name = URL(filePath: output).lastPathComponent
    let root = format.endings.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    let writer = try ArchiveWriter(output, format: format, interruption: interruption)
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      try writer.add(root + "/" + name, content(name))
    }
    _ = try writer.finish(replacing: replacing)
  }
}
