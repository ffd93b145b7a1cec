import Diagnostics
import Files
import Glibc
import JSON
import Records
import Scoring
import SystemPackage
import Tensors

/// Scores in a file, with a second file that records their origin; each appears complete or not at all.
package struct ScoresOutput {
  private let table: ScoreTable

  package init(_ table: ScoreTable) { self.table = table }

  /// Refuses a file that must not be replaced or whose folder does not exist; changes nothing.
  package static func check(_ path: String, replacing: Bool) throws {
    guard access(FilePath(path).folder.string, W_OK) == 0 else {
      throw Failure.cannotWrite(path)
    }
    guard !replacing else { return }
    let origin = ScoreTable.originPath(of: path)
    for file in [path, origin] where FilePath(file).exists {
      // A lone origin is left by a run that was killed between its last two steps.
      if file == origin, isOrigin(origin) { continue }
      throw Failure.exists(at: file)
    }
  }

  private static func isOrigin(_ path: String) -> Bool {
    guard let bytes = try? Bytes(mapping: path), let value = try? bytes.withUnsafeBytes({ try JSONReader().read($0) })
    else { return false }
    return value.objectValue?["schema"]?.stringValue == ScoresOrigin.schema
  }

  /// Both files are flushed to disk before either gets its name.
  package func write(to path: String, replacing: Bool) throws {
    try Self.check(path, replacing: replacing)
    let text = table.text
    let scores = try AtomicFile(text, for: path)
    do {
      try Interruption.check()
      try writeWhole(table.origin(of: text).text, to: ScoreTable.originPath(of: path))
    } catch {
      scores.abandon()
      throw error
    }
    try scores.commit()
  }
}
