import Diagnostics
import Files
import JSON
import Records
import Reports
import SystemPackage
import Tensors

/// The report of an existing run, regenerated from its directory.
package struct RunReport: Sendable {
  let html: String
  /// Where the run itself puts it.
  package let defaultPath: String

  /// - parameter run: A run directory.
  /// - throws: ``Failure`` `missingInput` or `badData`.
  package init(of run: String) throws {
    let (record, scores) = (run + "/" + RunFiles.record, run + "/" + RunFiles.scores)
    let bytes = try Bytes(mapping: record)
    var rows: [ScoreRecord] = []
    if FilePath(scores).exists {
      let bytes = try Bytes(mapping: scores)
      try locating(file: scores) {
        try bytes.withUnsafeBytes { try JSONReader().readLines($0) { row, _ in rows.append(try ScoreRecord(row)) } }
      }
    }
    html = try locating(file: record) {
      Report(try RunRecord(run: bytes.withUnsafeBytes { try JSONReader().read($0) }), scores: rows).html
    }
    defaultPath = run + "/" + RunFiles.report
  }

  /// Writes the page, completely or not at all; an existing one is replaced.
  package func write(to path: String) throws { try writeWhole(html, to: path) }
}
