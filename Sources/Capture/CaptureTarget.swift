import Bundles
import Diagnostics
import Digests
import Files
import Glibc
import SystemPackage
import Tensors

/// The destination of evidence: the client's own folder, or a new bundle.
struct CaptureTarget: Sendable {
  let folder: String
  private let isNew: Bool
  private let replaces: Bool

  /// - throws: ``Failure`` `cannotWrite` for evidence that may not be replaced, or an existing output.
  init(_ settings: CaptureSettings, client: Bundle) throws {
    replaces = settings.replaces
    if let output = settings.output {
      (folder, isNew) = (FilePath(output).absolute.string, true)
      guard !output.isEmpty else { throw Failure(.usage, "the output has no name", advice: "name a folder") }
      try Self.checkNew(output)
      return
    }
    (folder, isNew) = (settings.client, false)
    guard FilePath(folder).isFolder else {
      throw Failure(
        .usage, "is an archive, which cannot be written to", advice: "name a new folder with -o", file: folder)
    }
    guard client.manifest == nil else {
      throw Failure(
        .cannotWrite, "holds a clues.json, which lists its files and would no longer be correct",
        advice: "name a new folder with -o", file: folder)
    }
  }

  /// Refuses a client whose checkpoints are not directly in its folder, because the evidence would not be found.
  func checkPlaces(of client: Bundle) throws {
    guard !isNew else { return }
    for checkpoint in client.checkpoints {
      let config = checkpoint.adapter.config
      let due = folder.hasSuffix("/") ? folder + config.path : "\(folder)/\(config.path)"
      guard config.diskPath == due else {
        throw Failure(
          .usage, "'\(checkpoint.folder)' is not directly in this folder",
          advice:
            "give the folder around the checkpoints, and --checkpoint N for one of them; or name a new folder with -o",
          file: folder)
      }
    }
  }

  private static func checkNew(_ output: String) throws {
    try FolderArchive.checkIsNotNamed(output)
    var status = stat()
    guard lstat(output, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR, try names(in: FilePath(output))?.isEmpty == true else {
      throw Failure.exists(at: output, advice: "choose another name, or remove it yourself")
    }
  }

  /// Makes the parent folders of a new bundle.
  func makeParent() throws { if isNew { try makeFolder(FilePath(folder).folder, for: folder) } }

  /// The folder of finished parts.
  var keptParts: String {
    let path = FilePath(folder).absolute
    return (isNew ? path.folder.appending(".\(path.name).clues-capture") : path.appending(".clues-capture")).string
  }

  /// Refuses existing evidence, unless it may be replaced or comes from the capture that is being continued.
  ///
  /// - parameter isCommitted: Whether this capture had begun to write its evidence.
  func checkEvidence(isCommitted: Bool) throws {
    guard !isNew, !replaces, !isCommitted else { return }
    let names = ["ledger.jsonl", "samples.jsonl"]
    guard let name = names.first(where: { FilePath("\(folder)/\($0)").exists }) else { return }
    throw Failure.exists(
      "the evidence", at: "\(folder)/\(name)", advice: "replace it with --force, or name a new folder with -o")
  }

  /// The digest of the existing ledger; nil if there is none.
  func ledgerDigest() throws -> String? {
    let path = "\(folder)/ledger.jsonl"
    return FilePath(path).exists ? try sha256(of: Bytes(mapping: path)) : nil
  }

  /// Writes the evidence. In the client's folder every file appears complete, the ledger last; a new bundle appears complete.
  ///
  /// - parameters:
  ///   - files: Contents by path.
  ///   - moved: Finished files and their paths.
  func write(
    _ files: [(path: String, text: String)], moving moved: [(from: String, path: String)], from client: Bundle
  ) throws {
    guard isNew else { return try write(files, moving: moved, into: folder) }
    let draft = try Draft(of: folder, isFolder: true)
    do {
      for file in client.files where Self.goesAlong(file) {
        let path = "\(draft.path)/\(file.path)"
        try makeFolder(FilePath(path).folder, for: path)
        try Self.write(file.bytes(), to: path)
      }
      try write(files, moving: moved, into: draft.path)
      try draft.replace(folder)
    } catch {
      draft.remove()
      throw error
    }
  }

  /// Whether a bundle with a ledger also includes this file; moments and gradients are left out.
  private static func goesAlong(_ file: BundleFile) -> Bool {
    let name = file.path.split(separator: "/").last ?? ""
    return file.isRead && ["adapter_config.json", "adapter_model.safetensors", "trainer_state.json"].contains(name)
  }

  private func write(
    _ files: [(path: String, text: String)], moving moved: [(from: String, path: String)], into folder: String
  ) throws {
    for file in moved {
      let path = "\(folder)/\(file.path)"
      try makeFolder(FilePath(path).folder, for: path)
      guard rename(file.from, path) == 0 else { throw Failure(system: .cannotWrite, "cannot be written", file: path) }
      syncFolder(of: path)
    }
    for file in files { try writeWhole(file.text, to: "\(folder)/\(file.path)") }
  }

  private static func write(_ bytes: Bytes, to path: String) throws {
    try writeWhole(to: path) { descriptor in
      try bytes.forEachWindow {
        guard writeAll($0, to: descriptor) else { throw Failure.cannotWrite(path) }
      }
    }
  }
}
