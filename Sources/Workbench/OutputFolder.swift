import Bundles
import CSystem
import Diagnostics
import Foundation
import Tensors

/// A folder, or an archive of it, that appears whole or not at all.
///
/// Everything is written to a sibling with a name of its own, brought to disk, and renamed; whatever stood under the final
/// name stays as it was until then. A sibling that a killed run left behind is removed by the next one.
struct OutputFolder {
  let path: String
  private let draft: String
  private let replaces: Bool

  /// Checks that the folder can be made and opens a draft of it.
  ///
  /// - parameter replacing: Whether a folder that is there may be replaced.
  /// - throws: ``Failure`` `cannotWrite`.
  init(_ path: String, replacing: Bool) throws {
    let url = URL(filePath: path).standardizedFileURL
    self.path = path
    replaces = replacing
    let parent = url.deletingLastPathComponent()
    draft = parent.appending(path: ".\(url.lastPathComponent).clues-draft-\(getpid())").path
    try Self.checkTarget(path, replacing: replacing)
    try Self.attempt(path) {
      try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
      Self.removeAbandonedDrafts(of: url)
      try FileManager.default.createDirectory(atPath: draft, withIntermediateDirectories: false)
    }
  }

  /// Refuses a target that must not be replaced; nothing is touched.
  static func checkTarget(_ path: String, replacing: Bool) throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if !exists || !isFolder.boolValue { try refuseOtherFiles(path) }
    guard exists else { return }
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

  /// Refuses a name that promises a file which is not written here; whoever gives it does not want a folder.
  private static func refuseOtherFiles(_ path: String) throws {
    let name = URL(filePath: path).lastPathComponent.lowercased()
    let others = [
      ".7z", ".rar", ".bz2", ".tbz2", ".tbz", ".gz", ".xz", ".zst", ".lz", ".lz4", ".lzma", ".br", ".z", ".cpio",
      ".jar", ".iso", ".safetensors", ".bin", ".pt", ".pth", ".gguf",
    ]
    guard !FolderArchive.isNamed(path), let ending = others.first(where: name.hasSuffix) else { return }
    throw Failure(
      .usage, "the output is a folder or an archive, and '\(ending)' is not written",
      advice: "name a folder, or end the name in \(FolderArchive.endings.joined(separator: ", "))", file: path)
  }

  /// Writes one file of the folder; `name` may lie in a sub-folder.
  ///
  /// - parameter advance: Gets the size of every chunk that is written.
  func write(
    _ chunks: some Sequence<[UInt8]>, to name: String, advance: (Int) throws -> Void = { _ in }
  ) throws {
    guard !name.split(separator: "/").contains("..") else {
      throw Failure(.cannotWrite, "leaves the output folder", file: name)
    }
    let file = URL(filePath: draft).appending(path: name)
    try Self.attempt(path + "/" + name) {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
        throw Failure(
          .cannotWrite, "cannot be created: \(systemMessage())",
          advice: "check the folder's permissions and the free space", file: path + "/" + name)
      }
      let handle = try FileHandle(forWritingTo: file)
      defer { try? handle.close() }
      for chunk in chunks {
        try handle.write(contentsOf: chunk)
        try advance(chunk.count)
      }
      try handle.synchronize()
    }
  }

  func write(_ text: String, to name: String) throws { try write([Array(text.utf8)], to: name) }

  /// Where a file of the folder lies until the folder has its name.
  func place(of name: String) -> String { draft + "/" + name }

  /// The bytes of a file as they are on disk now.
  func read(_ name: String) throws -> Bytes { try Bytes(mapping: place(of: name)) }

  /// Gives the folder its name, or packs it into the archive; from here on it is there.
  func commit(_ observer: any Observer = Unobserved()) throws {
    try Self.attempt(path) {
      if FolderArchive.isNamed(path) {
        let stage = PackingStage(observer)
        try FolderArchive.pack(draft, to: path, replacing: replaces) { try stage.reach($0, of: $1) }
        stage.end()
        return abandon()
      }
      guard FileManager.default.fileExists(atPath: path) else { return try Self.rename(draft, to: path) }
      try Self.checkTarget(path, replacing: replaces)
      // Two renames in a row leave a moment without either; exchanging, where the file system can do it, leaves none.
      if clues_exchange(draft, path) != 0 {
        let old = draft + "-old"
        try Self.rename(path, to: old)
        do {
          try Self.rename(draft, to: path)
        } catch {
          try Self.rename(old, to: path)
          throw error
        }
        try FileManager.default.removeItem(atPath: old)
        return
      }
      try FileManager.default.removeItem(atPath: draft)
    }
  }

  /// Removes the draft; what stood under the final name stays.
  func abandon() { try? FileManager.default.removeItem(atPath: draft) }

  /// Removes drafts whose process is gone.
  private static func removeAbandonedDrafts(of url: URL) {
    let parent = url.deletingLastPathComponent().path
    let prefix = ".\(url.lastPathComponent).clues-draft-"
    for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] where name.hasPrefix(prefix) {
      guard let process = pid_t(name.dropFirst(prefix.count)), kill(process, 0) != 0, errno == ESRCH else { continue }
      try? FileManager.default.removeItem(atPath: parent + "/" + name)
    }
  }

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
