import Diagnostics
import Foundation
import JSON
import Reports
import Tensors

extension RunRecord {
  /// The report of the run, an HTML page.
  var report: String {
    get throws {
      try Report(run: json, scores: scored?.table.rows.map { .object($0.json) } ?? []).html
    }
    defaultPath = run + "/clues/report.html"
  }

  /// Writes the page, whole or not at all; what stood there is replaced.
  public func write(to path: String) throws { try writeWhole(html, to: path) }
}
