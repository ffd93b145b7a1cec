import Diagnostics
import Foundation
import JSON
import Tensors

/// Scores in a file, with the file beside it that says how they came about; each appears whole or not at all.
public struct ScoresOutput {
  private let table: ScoreTable

  public init(_ table: ScoreTable) { self.table = table }

  /// Refuses a file that must not be replaced; nothing is touched.
  public static func check(_ path: String, replacing: Bool) throws {
    guard !replacing else { return }
    let origin = ScoreTable.originPath(of: path)
    for file in [path, origin] where FileManager.default.fileExists(atPath: file) {
      // An origin alone is what a run leaves that was killed between its last two steps.
      if file == origin, isOrigin(origin) { continue }
      throw Failure(
        .cannotWrite, "the file exists", advice: "choose another name, or replace it with --force", file: file)
    }
  }

  private static func isOrigin(_ path: String) -> Bool {
    guard let bytes = try? Bytes(mapping: path), let value = try? bytes.withUnsafeBytes({ try JSONReader().read($0) })
    else { return false }
    return value.objectValue?["schema"] == "clues/scoring/1"
  }

  /// Both files are brought to disk before either gets its name.
  public func write(to path: String, replacing: Bool) throws {
    try Self.check(path, replacing: replacing)
    let text = table.text
    let scores = try WholeFile(text, for: path)
    do {
      try Interruption.check()
      try writeWhole(table.originJSON(of: text).text(indented: true) + "\n", to: ScoreTable.originPath(of: path))
    } catch {
      scores.abandon()
      throw error
    }
    try scores.commit()
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
    let text = table.text
    try write(text, to: "clues/scores.jsonl")
    try write(table.originJSON(of: text).text(indented: true) + "\n", to: "clues/scores.origin.json")
    guard let selection else { return }
    for client in selection.clients {
      try write(selection.keptIds(of: client.client), to: "clues/selected/\(client.client).txt")
    }
    try write(DecidedThreshold(selection).json.text(indented: true) + "\n", to: "clues/threshold.json")
  }
}
