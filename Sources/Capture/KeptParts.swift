import Bundles
import Diagnostics
import Files
import Glibc
import SystemPackage
import Tensors

/// The parts of a capture that are finished, kept in a folder until all are, so that a capture that was killed goes on at the
/// checkpoint where it was.
final class KeptParts: Sendable {
  let folder: String
  private let descriptor: Int32

  /// Opens the folder, or makes it, and locks it.
  ///
  /// - throws: ``Failure`` `cannotWrite` where it cannot be made or another capture is at work in it.
  init(_ folder: String) throws {
    self.folder = folder
    guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
      throw Failure(
        system: .cannotWrite, "cannot be made", advice: "check the permissions, or name another place with -o",
        file: folder)
    }
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(system: .cannotWrite, "cannot be opened", file: folder) }
    // Where the file system has no locks nobody is kept out, as nobody could be.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      close(descriptor)
      throw Failure(
        .cannotWrite, "another capture is at work here", advice: "wait for it, or name another place with -o",
        file: folder)
    }
  }

  deinit { close(descriptor) }

  func holds(_ name: String) -> Bool { access(path(name), F_OK) == 0 }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// The lines of a finished part; nil where there is none that is whole.
  func lines(_ name: String) -> [String]? {
    guard let bytes = try? Bytes(mapping: path(name)) else { return nil }
    let text = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    // Files come under their names whole; the last line says so once more.
    guard lines.popLast() == "", lines.popLast() == Self.end else { return nil }
    return lines
  }

  /// Keeps a finished part.
  func keep(_ lines: [String], as name: String) throws {
    try writeWhole((lines + [Self.end]).map { $0 + "\n" }.joined(), to: path(name))
  }

  /// Removes all that has none of these names and begins with none of these prefixes, and tells whether there was anything.
  func removeAll(but names: Set<String>, beginningWith prefixes: [String]) -> Bool {
    let all = Files.names(in: FilePath(folder)) ?? []
    // Drafts of a killed capture are nobody's while this one holds the lock.
    let strangers = all.filter { name in !names.contains(name) && !prefixes.contains { name.hasPrefix($0) } }
    for name in strangers { removeTree(path(name)) }
    return strangers.contains { !$0.hasPrefix(".") }
  }

  /// Removes the folder, and one part after all others; the lock goes with this object.
  func remove(last name: String) {
    for other in Files.names(in: FilePath(folder)) ?? [] where other != name { removeTree(path(other)) }
    removeTree(folder)
  }

  /// Removes the folder where nothing is kept in it.
  func removeIfEmpty() { rmdir(folder) }

  private static let end = "end"
}
