import Diagnostics
import Foundation
import Tensors

/// Writes a file whole or not at all; what stood there is replaced.
func writeWhole(_ text: String, to path: String) throws {
  do {
    try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
  } catch {
    throw Failure(
      .cannotWrite, "cannot be written: \(error.localizedDescription)",
      advice: "check the folder's permissions and the free space", file: path)
  }
}

/// Scores in a file, with the file beside it that says how they came about; each appears whole or not at all.
public struct ScoresOutput {
  private let table: ScoreTable

  public init(_ table: ScoreTable) { self.table = table }

  /// Refuses a file that must not be replaced; nothing is touched.
  public static func check(_ path: String, replacing: Bool) throws {
    for file in [path, ScoreTable.originPath(of: path)] where !replacing && FileManager.default.fileExists(atPath: file)
    {
      throw Failure(
        .cannotWrite, "the file exists", advice: "choose another name, or replace it with --force", file: file)
    }
  }

  public func write(to path: String, replacing: Bool) throws {
    try Self.check(path, replacing: replacing)
    try writeWhole(table.originJSON.text(indented: true) + "\n", to: ScoreTable.originPath(of: path))
    try writeWhole(table.text, to: path)
  }
}

/// A selection in a folder of its own.
public struct SelectionOutput {
  private let selection: SampleSelection

  public init(_ selection: SampleSelection) { self.selection = selection }

  public func write(to path: String, replacing: Bool) throws {
    guard !FileManager.default.fileExists(atPath: path + "/clues/run.json") else {
      throw Failure(
        .cannotWrite, "the folder holds a run, which a selection does not replace, even with --force",
        advice: "choose another output folder", file: path)
    }
    let folder = try OutputFolder(path, replacing: replacing)
    do {
      try folder.write(selection.table, selection)
      try folder.commit()
    } catch {
      folder.abandon()
      throw error
    }
  }
}

extension OutputFolder {
  /// Writes scores and, if there is one, the selection where a run directory has them.
  func write(_ table: ScoreTable, _ selection: SampleSelection?) throws {
    try write(table.text, to: "clues/scores.jsonl")
    try write(table.originJSON.text(indented: true) + "\n", to: "clues/scores.origin.json")
    guard let selection else { return }
    for client in selection.clients {
      try write(selection.keptIds(of: client.client), to: "clues/selected/\(client.client).txt")
    }
    try write(DecidedThreshold(selection).json.text(indented: true) + "\n", to: "clues/threshold.json")
  }
}
