import Bundles
import Diagnostics
import Files
import Foundation
import SystemPackage

/// The output folder of a training, locked while it runs, with its checkpoints so far.
final class TrainingFolder: Sendable {
  let path: String
  private let lock: FolderLock

  /// Opens or makes the folder, and locks it.
  ///
  /// - throws: ``Failure`` `cannotWrite` if it cannot be made or another training is using it; `usage` without a name.
  init(_ output: String) throws {
    guard !output.isEmpty else { throw Failure(.usage, "the output has no name", advice: "name a folder") }
    try FolderArchive.checkIsNotNamed(output)
    let path = FilePath(output).absolute
    // Scoring and merging will use this name.
    try locating(file: output) { try ClientName.check(path.name, of: "client", kind: .usage) }
    self.path = path.string
    try makeFolder(path, for: output)
    lock = try FolderLock(
      path.string, followsLink: true, as: output,
      taken: Failure(
        .cannotWrite, "another training is at work here", advice: "wait for it, or name another folder with -o",
        file: output))
  }

  /// The folder of a checkpoint.
  func checkpoint(_ step: Int) -> String { "\(path)/checkpoint-\(step)" }

  /// The steps of the existing checkpoints, in order.
  ///
  /// - throws: ``Failure`` `cannotWrite` if one is of another training, or if there is an adapter without checkpoints.
  func steps(of record: TrainingRecord, limits: Limits) throws -> [Int] {
    let names = try Files.names(in: FilePath(path)) ?? []
    // While this training holds the lock, drafts of a killed one are not in use.
    for name in names where name.hasPrefix(".checkpoint-") && name.contains(".clues-draft-") {
      removeTree("\(path)/\(name)")
    }
    let folders = names.filter { $0.hasPrefix("checkpoint-") && FilePath("\(path)/\($0)").isFolder }
    if folders.isEmpty, let file = names.first(where: { $0.hasPrefix("adapter_") }) {
      throw Failure.exists(
        "an adapter without checkpoints of this training", at: "\(path)/\(file)", advice: "name another folder with -o")
    }
    return try folders.map { name in
      try record.check(checkpoint: "\(path)/\(name)", limits: limits)
      guard let step = Int(name.dropFirst("checkpoint-".count)), checkpoint(step) == "\(path)/\(name)" else {
        throw Failure(.cannotWrite, "has a name that counts no steps", file: "\(path)/\(name)")
      }
      return step
    }.sorted()
  }
}
