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

  /// Where it goes; by default where the run itself puts it.
  package let path: String

  /// What the page of a measurement is called that a report beside it links.
  private static let measurement = "measure.html"

  /// - parameters:
  ///   - run: A run directory.
  ///   - path: Where it goes, if not where the run itself puts it.
  /// - throws: ``Failure`` `missingInput` or `badData`.
  package init(of run: String, to path: String? = nil) throws {
    self.path = path ?? run + "/" + RunFiles.report
    let isMeasured = FilePath(self.path).absolute.folder.appending(Self.measurement).exists
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
      Report(
        try RunRecord(run: bytes.withUnsafeBytes { try JSONReader().read($0) }), scores: rows,
        measurement: isMeasured ? Self.measurement : nil
      ).html
    }
  }

  /// Writes the page, completely or not at all; an existing one is replaced.
  package func write() throws { try writeWhole(html, to: path) }
}
