import Bundles
import CSystem
import Diagnostics
import Foundation
import Tensors

/// A folder, or an archive of it, that appears whole or not at all.
///
/// Everything is written to a sibling with a name of its own, brought to disk, and renamed; whatever stood under the final
/// name stays as it was until then. A sibling that a killed run left behind is removed by the next one. The draft is
/// spoken of by its descriptor and not by its path: if somebody removes it midway, nothing is written any more, and no
/// folder comes about that holds the second half of a result.
struct OutputFolder {
  /// The names of the files so far.
  private final class Written {
    var names: [String] = []
  }

  let path: String
  private let draft: Draft
  private let written = Written()
  private let replaces: Bool

  /// Checks that the folder can be made and opens a draft of it.
  ///
  /// - parameter replacing: Whether a folder that is there may be replaced.
  /// - throws: ``Failure`` `cannotWrite`.
  init(_ path: String, replacing: Bool) throws {
    self.path = path
    replaces = replacing
    try Self.checkTarget(path, replacing: replacing)
    let parent = URL(filePath: path).standardizedFileURL.deletingLastPathComponent()
    try Self.attempt(path) {
      try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    }
    draft = try Draft(of: path, isFolder: true)
  }

  /// Refuses a target that must not be replaced; nothing is touched.
  static func checkTarget(_ path: String, replacing: Bool) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
    if FolderArchive.isNamed(path), !isFolder.boolValue {
      guard replacing else {
        throw Failure(
          .cannotWrite, "the output archive exists", advice: "choose another one, or replace it with --force",
          file: path)
      }
      return
    }
    guard isFolder.boolValue else {
      throw Failure(.cannotWrite, "there is a file of this name", advice: "choose another output folder", file: path)
    }
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    guard !entries.isEmpty else { return }
    guard replacing else {
      throw Failure(
        .cannotWrite, "the output folder exists", advice: "choose another one, or replace it with --force", file: path)
    }
    // Replacing removes the folder with all that is in it, so it must be one that a run or PEFT wrote.
    let written: Set = ["adapter_config.json", "adapter_model.safetensors", "README.md", "residual", ".DS_Store"]
    guard entries.contains("clues") || written.isSuperset(of: entries) else {
      throw Failure(
        .cannotWrite, "the folder holds more than an adapter and is no run, so it is not replaced, even with --force",
        advice: "choose another output folder, or remove it yourself", file: path)
    }
  }

  /// Writes one file of the folder; `name` may lie in a sub-folder.
  func write(_ chunks: some Sequence<[UInt8]>, to name: String) throws {
    guard !name.split(separator: "/").contains("..") else {
      throw Failure(.cannotWrite, "leaves the output folder", file: name)
    }
    func failure() -> Failure {
      Failure(
        .cannotWrite, "cannot be written: \(systemMessage())",
        advice: "check the folder's permissions and the free space", file: path + "/" + name)
    }
    let folders = name.split(separator: "/").dropLast()
    for depth in folders.indices {
      let folder = folders[...depth].joined(separator: "/")
      guard mkdirat(draft.descriptor, folder, 0o777) == 0 || errno == EEXIST else { throw failure() }
    }
    let file = openat(draft.descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw failure() }
    defer { close(file) }
    for chunk in chunks {
      try chunk.withUnsafeBytes { raw in
        var rest = raw
        while !rest.isEmpty {
          try Interruption.check()
          let count = Foundation.write(file, rest.baseAddress, min(rest.count, 64 << 20))
          if count < 0, errno == EINTR { continue }
          guard count > 0 else { throw failure() }
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
      }
    }
    guard fsync(file) == 0 else { throw failure() }
    written.names.append(name)
  }

  func write(_ text: String, to name: String) throws { try write([Array(text.utf8)], to: name) }

  /// The bytes of a file as they are on disk now.
  func read(_ name: String) throws -> Bytes {
    let file = openat(draft.descriptor, name, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw Failure(.cannotWrite, "cannot be read back: \(systemMessage())", file: path + "/" + name)
    }
    defer { close(file) }
    return try Bytes(mapping: file, path: path + "/" + name)
  }

  /// Gives the folder its name; from here on it is there.
  func commit() throws {
    try Self.attempt(path) {
      for name in written.names where faccessat(draft.descriptor, name, F_OK, 0) != 0 {
        throw Failure(
          .cannotWrite, "was removed before the result was whole", advice: "let the run have its folder",
          file: path + "/" + name)
      }
      if FolderArchive.isNamed(path) {
        try FolderArchive.pack(
          written.names, to: path, replacing: replaces, interruption: { try Interruption.check() }, content: read)
        return abandon()
      }
      fsync(draft.descriptor)
      defer { syncFolder(of: path) }
      guard FileManager.default.fileExists(atPath: path) else { return try Self.rename(draft.path, to: path) }
      try Self.checkTarget(path, replacing: replaces)
      // Two renames in a row leave a moment without either; exchanging, where the file system can do it, leaves none.
      if clues_exchange(draft.path, path) != 0 {
        let old = draft.path + "-old"
        try Self.rename(path, to: old)
        do {
          try Self.rename(draft.path, to: path)
        } catch {
          try Self.rename(old, to: path)
          throw error
        }
        try? FileManager.default.removeItem(atPath: old)
        return
      }
      // The result has its name; if what it replaced cannot be removed now, the next run does.
      try? FileManager.default.removeItem(atPath: draft.path)
    }
  }

  /// Removes the draft; what stood under the final name stays.
  func abandon() { try? FileManager.default.removeItem(atPath: draft.path) }

  private static func rename(_ source: String, to target: String) throws {
    guard Foundation.rename(source, target) == 0 else {
      throw Failure(.cannotWrite, "cannot be given its name: \(systemMessage())", file: target)
    }
  }

  private static func attempt(_ path: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let failure as Failure {
      throw failure
    } catch {
      let reason = (error as NSError).localizedFailureReason ?? error.localizedDescription
      throw Failure(
        .cannotWrite, "cannot be written: \(reason)", advice: "check the folder's permissions and the free space",
        file: path)
    }
  }
}
