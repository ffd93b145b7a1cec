import Diagnostics
import Files
import JSON
import Reports
import SystemPackage
import Tensors

extension RunRecord {
  /// The report of the run, an HTML page.
  package var report: String {
    get throws { try Report(run: json, scores: scored?.table.rows.map { .object($0.json) } ?? []).html }
  }
}

/// The report of a run that is there, made again from its directory.
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
    self.path = path ?? run + "/clues/report.html"
    let isMeasured = FilePath(self.path).absolute.folder.appending(Self.measurement).exists
    let (record, scores) = (run + "/clues/run.json", run + "/clues/scores.jsonl")
    let bytes = try Bytes(mapping: record)
    var rows: [JSONValue] = []
    if FilePath(scores).exists {
      let bytes = try Bytes(mapping: scores)
      try locating(file: scores) {
        try bytes.withUnsafeBytes { try JSONReader().readLines($0) { row, _ in rows.append(row) } }
      }
    }
    html = try locating(file: record) {
      try Report(
        run: bytes.withUnsafeBytes { try JSONReader().read($0) }, scores: rows,
        measurement: isMeasured ? Self.measurement : nil
      ).html
    }
  }

  /// Writes the page, whole or not at all; what stood there is replaced.
  package func write() throws { try writeWhole(html, to: path) }
}
