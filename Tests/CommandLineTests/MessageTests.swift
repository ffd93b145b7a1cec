import Foundation
import JSON
import TestSupport
import Testing

/// What goes to standard error, and what does not.
@Suite struct MessageTests {
  static let tiny = ["c0", "c1"].map { fixture("tiny/\($0)") }

  private func events(_ text: String) throws -> [JSONObject] {
    try text.split(separator: "\n").map { try #require(try JSONReader().read(String($0)).objectValue) }
  }

  @Test func `progress as JSON Lines adds up`() throws {
    try withTemporaryFolder { folder in
      let run = try clues(
        [
          "merge", "--method", "ties", "-p", "preset=paper", "--weight", "0.5", "--weight", "0.5", "--progress", "json",
          "-o", "out.tar.zst",
        ] + Self.tiny, in: folder)
      #expect(run.status == 0)
      let events = try events(run.errors)
      #expect(events.allSatisfy { $0["schema"] == "clues/progress/1" })
      let ends = events.filter { $0["type"] == "end" }
      #expect(
        ends.compactMap { $0["stage"]?.stringValue } == ["opening", "surveying", "merging", "writing", "packing"])
      for end in ends { #expect(end["done"] == end["total"], "\(end)") }
      // What a plugin says for every module is said once, and stands in the record as well.
      let warnings = events.filter { $0["type"] == "warning" }.compactMap { $0["message"]?.stringValue }
      #expect(warnings.count { $0.contains("the weights sum to 1") } == 1, "\(warnings)")
    }
  }

  @Test func `scoring counts every sample once, by however many scorers`() throws {
    try withTemporaryFolder { folder in
      let recipe = """
        clients: ["\(Self.tiny[0])", "\(Self.tiny[1])"]
        score: [{scorer: tracin}, {scorer: clues}, {scorer: grand}]
        """
      try recipe.write(to: folder.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
      let run = try clues(["run", "r.yaml", "--progress", "json", "--output", "out"], in: folder)
      let end = try #require(try events(run.errors).first { $0["type"] == "end" && $0["stage"] == "scoring" })
      #expect(end["total"] == 38 && end["done"] == 38, "\(run.errors)")
    }
  }

  @Test func `an error is an event like any other`() throws {
    let run = try clues(["merge", "nowhere", "--method", "average", "-o", "out", "--progress", "json"])
    let event = try #require(try events(run.errors).last)
    #expect(run.status == 66)
    #expect(event["type"] == "error" && event["exit_code"] == 66 && event["file"] == "nowhere")
  }

  @Test func `quiet is quiet, and results are results`() throws {
    try withTemporaryFolder { folder in
      let merge = ["merge", "--method", "average", "-q", "-o", "out"] + Self.tiny
      let plan = try clues(merge + ["--dry-run"], in: folder)
      #expect(plan.status == 0 && plan.errors.isEmpty && plan.output.contains("nothing was written"))
      let run = try clues(merge, in: folder)
      #expect(run.status == 0 && run.errors.isEmpty && run.output.isEmpty)
      let record = try clues(merge + ["--json", "--force"], in: folder)
      #expect(record.errors.isEmpty && record.output.hasPrefix("{"))
      let scores = try clues(["score", Self.tiny[0], "--scorer", "tracin", "-q"], in: folder)
      #expect(scores.errors.isEmpty && scores.output.split(separator: "\n").count == 19)
      try scores.output.write(to: folder.appending(path: "s.jsonl"), atomically: true, encoding: .utf8)
      let selected = try clues(["select", "s.jsonl", "-q", "-o", "selection"], in: folder)
      #expect(selected.status == 0 && selected.errors.isEmpty && selected.output.isEmpty)
      let packed = try clues(["pack", Self.tiny[0], "-q", "-o", "c.tar"], in: folder)
      #expect(packed.status == 0 && packed.errors.isEmpty && packed.output.isEmpty)
    }
  }

  @Test func `scores come from standard input as from a file`() throws {
    try withTemporaryFolder { folder in
      #expect(try clues(["score", Self.tiny[0], "--scorer", "tracin", "-o", "s.jsonl"], in: folder).status == 0)
      let file = try clues(["select", "s.jsonl", "--threshold", "otsu", "--json"], in: folder)
      let piped = try clues(
        ["-c", "'\(cluesExecutable)' select - --threshold otsu --json < s.jsonl"], in: folder, executable: "/bin/sh")
      #expect(piped.status == 0 && piped.output == file.output, "\(piped.errors)")
      let written = try clues(
        ["-c", "'\(cluesExecutable)' select - --threshold otsu -o sel < s.jsonl"], in: folder, executable: "/bin/sh")
      #expect(written.output.contains("The selection is in sel/clues"))
      #expect(written.errors.contains("nobody can apply threshold.json"))
      let nothing = try clues(["select", "-"], in: folder)
      #expect(nothing.status == 65 && nothing.errors.contains("standard input: error: has no scores"))
    }
  }

  @Test func `nothing but rounding is shown as nothing`() throws {
    try withTemporaryFolder { folder in
      #expect(try clues(["score", Self.tiny[0], "--scorer", "clues", "-o", "s.jsonl"], in: folder).status == 0)
      let selected = try clues(["select", "s.jsonl", "--calibrate"], in: folder)
      #expect(!selected.output.contains("e-1"), "\(selected.output)")
    }
  }

  @Test func `a reader that has enough is no error`() throws {
    try withTemporaryFolder { folder in
      for arguments in ["plugins list", "recipe schema", "--help", "score '\(Self.tiny[0])' --scorer tracin -q"] {
        let script = "set -o pipefail; '\(cluesExecutable)' \(arguments) | true"
        let result = try clues(["-c", script], in: folder, executable: "/bin/bash")
        #expect(result.status == 0 && result.errors.isEmpty, "\(arguments): \(result.status) \(result.errors)")
      }
      // A run goes on when nobody reads what it says.
      let run =
        "'\(cluesExecutable)' merge '\(Self.tiny[0])' --method ties -o out 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}"
      #expect(try clues(["-c", run], in: folder, executable: "/bin/bash").status == 0)
      #expect(FileManager.default.fileExists(atPath: folder.path + "/out/adapter_config.json"))
    }
  }

  @Test func `every mistake of a recipe is told at once`() throws {
    try withTemporaryFolder { folder in
      let recipe = """
        clients:
          - {path: a, weigth: 1}
          - {path: b, checkpoint: first}
        merge: {methd: ties, rank: many}
        seed: -1
        """
      try recipe.write(to: folder.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
      let text = try clues(["recipe", "check", "r.yaml"], in: folder)
      #expect(text.status == 78)
      let places = text.errors.matches(of: #/(?m)^r\.yaml:(\d+:\d+): error: /#).map { String($0.1) }
      #expect(places == ["2:15", "3:27", "4:9", "4:28", "5:7"], "\(text.errors)")

      // Language and plugins are different rounds; within each all is told.
      let other = "clients: [a, b]\nscore: {scorer: clue}\nmerge: {method: ties, parameters: {density: 7, dens: 1}}\n"
      try other.write(to: folder.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
      let json = try clues(["recipe", "check", "r.yaml", "--json"], in: folder)
      #expect(json.status == 69 && json.errors.isEmpty)
      let report = try #require(try JSONReader().read(json.output).objectValue)
      let problems = report["problems"]?.arrayValue?.compactMap(\.objectValue) ?? []
      #expect(report["ok"] == false && problems.compactMap { $0["line"]?.intValue } == [2, 3, 3], "\(json.output)")
      #expect(problems.allSatisfy { $0["advice"] != nil })

      try "clients: [a, b]\nmerge: {method: ties}\n".write(
        to: folder.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
      let fine = try #require(
        try JSONReader().read(clues(["recipe", "check", "r.yaml", "--json"], in: folder).output).objectValue)
      #expect(fine["ok"] == true && fine["problems"] == [])
    }
  }

  @Test func `names given in order tell inputs of one name apart`() throws {
    try withTemporaryFolder { folder in
      let inputs = [Self.tiny[0], Self.tiny[0]]
      let refused = try clues(["merge", "--method", "average", "-o", "out"] + inputs, in: folder)
      #expect(refused.status == 78 && refused.errors.contains("--client NAME"), "\(refused.errors)")
      let named = try clues(
        ["merge", "--method", "average", "--client", "a", "--client", "b", "-o", "out"] + inputs, in: folder)
      #expect(named.status == 0 && named.output.contains("\na "), "\(named.output)")
    }
  }
}
