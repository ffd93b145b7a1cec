import Diagnostics
import Files
import SystemPackage
import Tensors

/// A folder's files as an archive: the same files always give the same bytes, and the archive appears complete or not at all.
public struct FolderArchive {
  /// Whether a name has an extension that selects a format, such as `.tar.zst`.
  public static func isNamed(_ output: String) -> Bool { (try? PackedFormat(ending: output)) != nil }

  /// Refuses the name of an archive for an output that is always a folder.
  public static func checkIsNotNamed(_ output: String) throws {
    guard isNamed(output) else { return }
    throw Failure(.usage, "the output is a folder", advice: "name a folder, and pack it with clues pack", file: output)
  }

  /// The extensions that select a format.
  public static var endings: [String] { PackedFormat.allCases.flatMap(\.endings) }

  /// Packs files, by path, into one folder with the archive's name.
  ///
  /// - parameters:
  ///   - interruption: Throws if the user has asked to stop.
  ///   - progress: Receives how many bytes of the files are written, and of how many.
  ///   - content: The content of a file.
  /// - throws: ``Failure`` `cannotWrite`, also if a file exists that may not be replaced.
  public static func pack(
    _ names: [String], to output: String, replacing: Bool, interruption: @escaping () throws -> Void = {},
    progress: @escaping (_ done: Int, _ total: Int) throws -> Void = { _, _ in }, content: (String) throws -> Bytes
  ) throws {
    let format = try PackedFormat(ending: output)
    let name = FilePath(output).name
    let root = format.endings.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
    let writer = try ArchiveWriter(output, format: format, interruption: interruption)
    let files = try names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      .map { (path: $0, content: try content($0)) }
    let total = files.reduce(0) { $0 + $1.content.count }
    var done = 0
    for file in files {
      try writer.add(root + "/" + file.path, file.content) {
        done += $0
        try progress(done, total)
      }
    }
    _ = try writer.finish(replacing: replacing)
  }
}
