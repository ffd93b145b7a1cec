import Bundles
import CLinux
import Diagnostics
import Files
import Glibc
import Records
import Synchronization
import SystemPackage
import Tensors

/// A folder, or an archive of it, that appears complete or not at all.
///
/// Everything is written to a sibling folder with a unique name, flushed to disk, and renamed; what exists under the final
/// name stays unchanged until then. A sibling that a killed run left behind is removed by the next one. The draft is accessed
/// by its descriptor and not by its path: if it is removed midway, nothing more is written, and no folder appears with only
/// the second half of a result.
///
/// Files may be written from several threads at once.
package struct OutputFolder: Sendable {
  /// The names of the files so far, regardless of the order in which they were written.
  private final class Written: Sendable {
    // Locked because modules and gradients are written by several threads.
    private let names = Mutex<Set<String>>([])

    func add(_ name: String) { names.withLock { _ = $0.insert(name) } }

    var sorted: [String] { names.withLock { $0.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } } }
  }

  package let path: String
  /// The folder's destination: if it is a link, the link stays and its target is replaced.
  private let target: String
  private let draft: Draft
  private let written = Written()
  private let replaces: Bool

  /// Checks that the folder can be created and opens a draft of it.
  ///
  /// - parameter replacing: Whether an existing folder may be replaced.
  /// - throws: ``Failure`` `cannotWrite`.
  package init(_ path: String, replacing: Bool) throws {
    self.path = path
    replaces = replacing
    try Self.checkTarget(path, replacing: replacing)
    let target = FilePath(path).absolute.resolved
    try makeFolder(target.folder, for: path)
    self.target = target.string
    draft = try Draft(of: target.string, isFolder: true)
  }

  /// Refuses a target that must not be replaced; changes nothing.
  static func checkTarget(_ path: String, replacing: Bool) throws {
    guard !path.isEmpty else { throw Failure(.usage, "the output has no name", advice: "name a folder or an archive") }
    let (exists, isFolder) = (FilePath(path).exists, FilePath(path).isFolder)
    if !isFolder { try refuseOtherFiles(path) }
    guard exists else {
      var status = stat()
      guard lstat(path, &status) != 0 else {
        throw Failure(
          .cannotWrite, "is a link whose target does not exist", advice: "choose another output, or fix the link",
          file: path)
      }
      return
    }
    if FolderArchive.isNamed(path), !isFolder {
      guard replacing else {
        throw Failure.exists("the output archive", at: path)
      }
      return
    }
    guard isFolder else {
      throw Failure(.cannotWrite, "there is a file of this name", advice: "choose another output folder", file: path)
    }
    guard let entries = try names(in: FilePath(path)) else { throw Failure.cannotWrite(path) }
    guard !entries.isEmpty else { return }
    guard replacing else {
      throw Failure.exists("the output folder", at: path)
    }
    // Replacing removes the folder with everything in it, so it must have been written by a run, a selection or PEFT.
    let isOurs = [RunFiles.record, RunFiles.threshold].contains {
      FilePath("\(path)/\($0)").exists
    }
    let written = Set(OutputFormat.all.flatMap(\.files) + ["README.md", "residual", ".DS_Store"])
    guard isOurs || written.isSuperset(of: entries) else {
      throw Failure(
        .cannotWrite,
        "the folder holds more than an adapter and is not a run, so it is not replaced, even with --force",
        advice: "choose another output folder, or remove it yourself", file: path)
    }
  }

  /// Refuses a name with the extension of a file format that Clues does not write; its user does not want a folder.
  private static func refuseOtherFiles(_ path: String) throws {
    let name = FilePath(path).name.lowercased()
    let others = [
      ".7z", ".rar", ".bz2", ".tbz2", ".tbz", ".gz", ".xz", ".zst", ".lz", ".lz4", ".lzma", ".br", ".z", ".cpio",
      ".jar", ".iso", ".safetensors", ".bin", ".pt", ".pth", ".gguf",
    ]
    guard !FolderArchive.isNamed(path), let ending = others.first(where: name.hasSuffix) else { return }
    throw Failure(
      .usage, "the output must be a folder or an archive, not a '\(ending)' file",
      advice: ending == ".gguf"
        ? "name a folder, with --format gguf --base MODEL; clues convert makes a single file of it"
        : "name a folder, or end the name in \(FolderArchive.endings.joined(separator: ", "))", file: path)
  }

  /// Writes one file of the folder; `name` may be in a subfolder.
  ///
  /// - parameter advance: Receives the size of every chunk that is written.
  package func write(
    _ chunks: some Sequence<[UInt8]>, to name: String, advance: (Int) throws -> Void = { _ in }
  ) throws {
    let file = try create(name)
    defer { close(file) }
    for chunk in chunks {
      try chunk.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: 64 << 20) {
          try Interruption.check()
          let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 64 << 20, bytes.count)])
          guard writeAll(part, to: file) else { throw Failure.cannotWrite(path + "/" + name) }
        }
      }
      try advance(chunk.count)
    }
    guard fsync(file) == 0 else { throw Failure.cannotWrite(path + "/" + name) }
  }

  package func write(_ text: String, to name: String) throws { try write([Array(text.utf8)], to: name) }

  /// Creates a file of the folder; returns its descriptor, for reading and writing, which the caller closes.
  func create(_ name: String) throws -> Int32 {
    guard !name.split(separator: "/").contains("..") else {
      throw Failure(.cannotWrite, "leaves the output folder", file: name)
    }
    let folders = name.split(separator: "/").dropLast()
    for depth in folders.indices {
      let folder = folders[...depth].joined(separator: "/")
      guard mkdirat(draft.descriptor, folder, 0o777) == 0 || errno == EEXIST else {
        throw Failure.cannotWrite(path + "/" + name)
      }
    }
    // A new file: a process that has the replaced one open sees no change.
    unlinkat(draft.descriptor, name, 0)
    let file = openat(draft.descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw Failure.cannotWrite(path + "/" + name) }
    written.add(name)
    return file
  }

  /// The bytes of a file as they are on disk now.
  package func read(_ name: String) throws -> Bytes {
    let file = openat(draft.descriptor, name, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw Failure(system: .cannotWrite, "cannot be read back", file: path + "/" + name)
    }
    defer { close(file) }
    return try Bytes(mapping: file, path: path + "/" + name)
  }

  /// Gives the folder its name, or packs it into the archive, so that it exists from now on.
  package func commit(_ observer: any Observer = Unobserved()) throws {
    for name in written.sorted where faccessat(draft.descriptor, name, F_OK, 0) != 0 {
      throw Failure(
        .cannotWrite, "was removed before the result was complete", advice: "do not remove the folder during the run",
        file: path + "/" + name)
    }
    if FolderArchive.isNamed(path) {
      let stage = PackingProgress(observer)
      try FolderArchive.pack(
        written.sorted, to: path, replacing: replaces, interruption: { try Interruption.check() },
        progress: { try stage.reach($0, of: $1) }, content: read)
      stage.end()
      return abandon()
    }
    guard fsync(draft.descriptor) == 0 else { throw Failure.cannotWrite(path) }
    defer { syncFolder(of: target) }
    try takeName()
  }

  /// Gives the draft its name and removes what existed there. Once it has its name nothing fails any more: what cannot be
  /// removed now, the next run removes.
  ///
  /// Another run may take or release the name at any moment, so each step checks atomically what it expects to find.
  private func takeName() throws {
    for _ in 0..<100 {
      // Takes a free name, or that of an empty folder; a folder with content stays.
      if rename(draft.path, target) == 0 { return }
      guard [ENOTEMPTY, EEXIST, ENOTDIR].contains(errno) else { throw Self.nameless(target) }
      try Self.checkTarget(target, replacing: replaces)
      guard replaces else { continue }
      // Between two renames neither would exist for a moment; an exchange, if the file system supports it, avoids this.
      if clues_exchange(draft.path, target) == 0 {
        draft.remove()
        return
      }
      if errno == ENOENT { continue }
      if try moveAside() { return }
    }
    throw Failure(
      .cannotWrite, "cannot be renamed to its final name: other runs keep taking it",
      advice: "let fewer runs write to the same output at once", file: target)
  }

  /// The same in two steps, under a lock, so that the previous result is not mistaken for an abandoned draft meanwhile.
  ///
  /// - returns: false if another run was faster.
  private func moveAside() throws -> Bool {
    let old = draft.path + "-old"
    let held = open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    defer { if held >= 0 { close(held) } }
    if held >= 0 { _ = flock(held, LOCK_EX | LOCK_NB) }
    guard rename(target, old) == 0 else {
      if errno == ENOENT { return false }
      throw Self.nameless(target)
    }
    guard rename(draft.path, target) == 0 else {
      let failure = Self.nameless(target)
      let isTaken = [ENOTEMPTY, EEXIST].contains(errno)
      // Back to its place, unless another result is there by now.
      if rename(old, target) != 0 { removeTree(old) }
      if isTaken { return false }
      throw failure
    }
    removeTree(old)
    return true
  }

  /// Removes the draft; what exists under the final name stays.
  package func abandon() { draft.remove() }

  private static func nameless(_ target: String) -> Failure {
    Failure(system: .cannotWrite, "cannot be renamed to its final name", file: target)
  }
}
