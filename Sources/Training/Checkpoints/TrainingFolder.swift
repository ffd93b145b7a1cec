import Bundles
import Diagnostics
import Files
import Foundation
import SystemPackage

/// The output folder of a training: under lock while it is at work, with the checkpoints that it has so far.
final class TrainingFolder: Sendable {
  let path: String
  private let descriptor: Int32

  /// Opens the folder, or makes it, and locks it.
  ///
  /// - throws: ``Failure`` `cannotWrite` where it cannot be made, or another training is at work in it; `usage` without a name.
  init(_ output: String) throws {
    guard !output.isEmpty else { throw Failure(.usage, "the output has no name", advice: "name a folder") }
    guard !FolderArchive.isNamed(output) else {
      throw Failure(
        .usage, "the output is a folder", advice: "name a folder, and pack it with clues pack", file: output)
    }
    path = FilePath(output).absolute.string
    do {
      // What scores and merges it later takes it by this name.
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

  /// The steps of the checkpoints that are there, in order.
  ///
  /// - throws: ``Failure`` `cannotWrite` where one is of another training, or where the folder holds an adapter and none.
  func steps(of record: TrainingRecord, limits: Limits) throws -> [Int] {
    let names = try Files.names(in: FilePath(path)) ?? []
    // Those of trainings that were killed are nobody's under this lock.
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
