import Diagnostics
import Files
import JSON
import Records
import Scoring
import SystemPackage

/// A selection in its own folder.
package struct SelectionOutput {
  private let selection: SampleSelection

  package init(_ selection: SampleSelection) { self.selection = selection }

  package func write(to path: String, replacing: Bool) throws {
    guard !FilePath(path + "/" + RunFiles.record).exists else {
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
  /// Writes scores and, if there is one, the selection to their places in a run directory.
  package func write(_ table: ScoreTable, _ selection: SampleSelection?) throws {
    let text = table.text
    try write(text, to: RunFiles.scores)
    try write(table.origin(of: text).text, to: RunFiles.scoresOrigin)
    guard let selection else { return }
    for client in selection.clients {
      try write(selection.keptIds(of: client.client), to: RunFiles.selected(of: client.client))
    }
    try write(DecidedThreshold(selection).text, to: RunFiles.threshold)
  }
}
