import Diagnostics
import Digests
import Files
import Foundation
import JSON
import SystemPackage
import Tensors

/// The folder of an experiment's steps: each lies under the digest of what made it, so that a step is done once, whatever
/// else changes, and a killed experiment goes on.
final class StepStore: Sendable {
  let path: String
  private let lock: FolderLock

  /// Makes the folder and locks it.
  ///
  /// - throws: ``Failure`` `cannotWrite` where it holds something else, or another experiment is at work in it.
  init(_ output: String) throws {
    guard !output.isEmpty else { throw Failure(.usage, "the output has no name", advice: "name a folder") }
    let folder = FilePath(output).absolute
    path = folder.appending("steps").string
    let found = try names(in: folder) ?? []
    guard found.isEmpty || found.contains("steps") else {
      throw Failure(
        .cannotWrite, "the folder holds something else than an experiment", advice: "choose another output",
        file: output)
    }
    try makeFolder(FilePath(path), for: output)
    lock = try FolderLock(
      path, followsLink: true, as: output,
      taken: Failure(
        .cannotWrite, "another experiment is at work here", advice: "wait for it, or choose another output",
        file: output))
  }

  /// The step that these settings and inputs make.
  func step(_ kind: StepKind, _ title: String, cost: Int, made: JSONObject) -> Step {
    var made = made
    made["step"] = .string(kind.rawValue)
    made["version"] = .string(cluesVersion)
    let key = sha256(of: JSONValue.object(made).text(sorted: true))
    return Step(
      kind: kind, title: title, cost: min(1_000_000, max(1, cost)), key: key,
      folder: "\(path)/\(kind.rawValue)-\(key.prefix(20))",
      made: .object(made))
  }
}

/// What is done in a step.
enum StepKind: String, Sendable {
  case corrupt, train, capture, select, merge, measure, answer
}

/// A part of an experiment.
struct Step: Sendable {
  let kind: StepKind
  /// "train medical, 50 % bad, seed 1".
  let title: String
  /// About how much work it is, in steps of a training.
  let cost: Int
  /// The digest of what makes it.
  let key: String
  let folder: String
  let made: JSONValue

  private var record: String { "\(folder)/step.json" }

  /// What came of it; nil where it is not done.
  func outcome(_ limits: Limits) throws -> JSONObject? {
    guard FilePath(record).exists else { return nil }
    return try locating(file: record) {
      let value = try Bytes(mapping: record).withUnsafeBytes { try JSONReader(limits).read($0).objectValue }
      guard value?["key"]?.stringValue == key, let outcome = value?["outcome"]?.objectValue else {
        throw Failure(.badData, "is not the record of this step", advice: "remove its folder: it is then done again")
      }
      return outcome
    }
  }

  /// Makes its folder, and has it that the step is not done.
  func begin() throws {
    removeTree(record)
    try makeFolder(FilePath(folder), for: folder)
  }

  /// Says that it is done, as the last thing.
  func finish(_ outcome: JSONObject, seconds: Double) throws {
    let record: JSONValue = [
      "schema": "clues/experiment-step/1", "key": .string(key), "title": .string(title), "made_of": made,
      "outcome": .object(outcome), "seconds": .number((seconds * 1000).rounded() / 1000),
    ]
    try writeWhole(record.text(indented: true) + "\n", to: self.record)
  }
}

/// The digest of a file, or of the files of a folder with their names.
func contentDigest(_ path: String) throws -> String {
  guard FilePath(path).isFolder else { return try sha256(of: Bytes(mapping: path)) }
  let files = (try names(in: FilePath(path)) ?? []).sorted().filter { name in
    !name.hasPrefix(".") && !FilePath("\(path)/\(name)").isFolder
  }
  return sha256(of: try files.map { "\($0) \(try sha256(of: Bytes(mapping: "\(path)/\($0)")))\n" }.joined())
}
