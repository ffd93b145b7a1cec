import Bundles
import Diagnostics
import Files
import Foundation
import SystemPackage

/// The output folder of a training, locked while it runs, with its checkpoints so far.
final class TrainingFolder: Sendable {
  let path: String
  private let descriptor: Int32

  /// Opens or makes the folder, and locks it.
  ///
  /// - throws: ``Failure`` `cannotWrite` if it cannot be made or another training is using it; `usage` without a name.
  init(_ output: String) throws {
    guard !output.isEmpty else { throw Failure(.usage, "the output has no name", advice: "name a folder") }
    guard !FolderArchive.isNamed(output) else {
      throw Failure(
        .usage, "the output is a folder", advice: "name a folder, and pack it with clues pack", file: output)
    }
    path = FilePath(output).absolute.string
    do {
      // Scoring and merging will use this name.
      try ClientName.check(FilePath(path).name, of: "client")
    } catch var failure as Failure {
      failure.kind = .usage
      throw failure.at(file: output)
    }
    try makeFolder(FilePath(path), for: output)
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(system: .cannotWrite, "cannot be opened", file: output) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      close(descriptor)
      throw Failure(
        .cannotWrite, "another training is at work here", advice: "wait for it, or name another folder with -o",
        file: output)
    }
  }

  deinit { close(descriptor) }

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
      throw Failure(
        .cannotWrite, "is there already, and there are no checkpoints of this training",
        advice: "name another folder with -o", file: "\(path)/\(file)")
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
