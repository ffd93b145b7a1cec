import Diagnostics
import Foundation
import Tensors

/// A whole folder as an archive: the same files always give the same bytes, and the archive appears whole or not at all.
public struct FolderArchive {
  /// Whether a name has an ending that says how to pack, such as `.tar.zst`.
  public static func isNamed(_ output: String) -> Bool { (try? PackedFormat(ending: output)) != nil }

  /// Packs all files below `folder`, by path, below one folder named like the archive.
  ///
  /// - throws: ``Failure`` `cannotWrite`, also when there is a file already that may not be replaced.
  public static func pack(_ folder: String, to output: String, replacing: Bool) throws {
    let format = try PackedFormat(ending: output)
    let name = URL(filePath: output).lastPathComponent
    let root = format.endings.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
    let writer = try ArchiveWriter(output, format: format)
    for path in paths {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: folder + "/" + path, isDirectory: &isFolder), !isFolder.boolValue
      else {
        continue
      }
      try writer.add(root + "/" + path, Bytes(mapping: folder + "/" + path))
    }
    _ = try writer.finish(replacing: replacing)
  }
}
