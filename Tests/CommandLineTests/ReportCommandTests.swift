import Foundation
import TestSupport
import Testing

@Suite struct ReportCommandTests {
  @Test func `a report can be made again to the byte, and its recipe runs`() throws {
    try withWorkingCopy { folder in
      let run = try clues(["run", "recipes/clues-calibrated.yaml", "--output", "out"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let first = try String(contentsOf: folder.appending(path: "out/clues/report.html"), encoding: .utf8)
      let report = try clues(["report", "out", "-o", "again.html"], in: folder)
      #expect(report.status == 0 && report.output == "The report is in again.html\n", "\(report.errors)")
      #expect(try String(contentsOf: folder.appending(path: "again.html"), encoding: .utf8) == first)
      #expect(try clues(["report", "out"], in: folder).output == "The report is in out/clues/report.html\n")
      #expect(try String(contentsOf: folder.appending(path: "out/clues/report.html"), encoding: .utf8) == first)

      // A measurement beside a report is linked.
      try Data().write(to: folder.appending(path: "measure.html"))
      #expect(try clues(["report", "out", "-o", "linked.html"], in: folder).status == 0)
      let linked = try String(contentsOf: folder.appending(path: "linked.html"), encoding: .utf8)
      #expect(!first.contains("measure.html") && linked.contains("<a href=\"measure.html\">"))

      let shown = try #require(first.firstMatch(of: /<pre id="recipe"><code>([^<]*)/)).1
      let recipe = shown.replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
      // Its paths start from the folder of the recipes.
      let text = recipe.replacing("../checkpoints", with: "checkpoints")
      try Data(text.utf8).write(to: folder.appending(path: "recipe.yaml"))
      let checked = try clues(["recipe", "check", "recipe.yaml"], in: folder)
      #expect(checked.status == 0, "\(checked.errors)")
    }
  }

  @Test func `a folder that is no run has no report`() throws {
    try withTemporaryFolder { folder in
      let result = try clues(["report", "nothing"], in: folder)
      #expect(result.status == 66)
      try FileManager.default.createDirectory(
        at: folder.appending(path: "run/clues"), withIntermediateDirectories: true)
      try Data(#"{"schema": "other"}"#.utf8).write(to: folder.appending(path: "run/clues/run.json"))
      let other = try clues(["report", "run"], in: folder)
      #expect(other.status == 65)
      #expect(other.errors.contains("is not the record of a run"))
    }
  }
}
