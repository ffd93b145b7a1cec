import Bundles
import Diagnostics
import Files
import Glibc
import SystemPackage
import Tensors

/// The finished parts of a capture, kept in a folder until all are finished, so that a capture that was killed continues at the
/// same checkpoint.
final class KeptParts: Sendable {
  let folder: String
  private let lock: FolderLock

  /// Opens or makes the folder, and locks it.
  ///
  /// - throws: ``Failure`` `cannotWrite` if it cannot be made or another capture is using it.
  init(_ folder: String) throws {
    self.folder = folder
    guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
      throw Failure(
        system: .cannotWrite, "cannot be made", advice: "check the permissions, or name another place with -o",
        file: folder)
    }
    lock = try FolderLock(
      folder, followsLink: false, as: folder,
      taken: Failure(
        .cannotWrite, "another capture is using this folder", advice: "wait for it, or name another place with -o",
        file: folder))
  }

  func holds(_ name: String) -> Bool { access(path(name), F_OK) == 0 }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// The lines of a finished part; nil if there is no complete one.
  func lines(_ name: String) -> [String]? {
    guard let bytes = try? Bytes(mapping: path(name)) else { return nil }
    let text = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    // Files are renamed only when complete; the last line confirms it.
    guard lines.popLast() == "", lines.popLast() == Self.end else { return nil }
    return lines
  }

  /// Keeps a finished part.
  func keep(_ lines: [String], as name: String) throws {
    try writeWhole((lines + [Self.end]).map { $0 + "\n" }.joined(), to: path(name))
  }

  /// Removes everything that has none of these names and none of these prefixes, and returns whether there was anything.
  func removeAll(but names: Set<String>, beginningWith prefixes: [String]) throws -> Bool {
    let all = try Files.names(in: FilePath(folder)) ?? []
    // While this capture holds the lock, drafts of a killed one are not in use.
    let strangers = all.filter { name in !names.contains(name) && !prefixes.contains { name.hasPrefix($0) } }
    for name in strangers { removeTree(path(name)) }
    return strangers.contains { !$0.hasPrefix(".") }
  }

  /// Removes the folder, and one part after all others; the lock is released with this object.
  func remove(last name: String) throws {
    for other in try Files.names(in: FilePath(folder)) ?? [] where other != name { removeTree(path(other)) }
    removeTree(folder)
  }

  /// Removes the folder if nothing is kept in it.
  func removeIfEmpty() { rmdir(folder) }

  private static let end = "end"
}
