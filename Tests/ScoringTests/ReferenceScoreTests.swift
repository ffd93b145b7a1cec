import Diagnostics
import Foundation
import JSON
import PluginHost
import Recipes
import TestSupport
import Testing

@testable import Merging
@testable import Runs
@testable import Scoring

/// The reference implementation's scores on real Trainer output (Tests/Fixtures/tiny) are the oracle.
@Suite struct ReferenceScoreTests {
  private static func json(_ path: String) throws -> JSONObject {
    let data = try Data(contentsOf: URL(filePath: fixture(path)))
    return try #require(try data.withUnsafeBytes { try JSONReader().read($0) }.objectValue)
  }

  private static func numbers(_ object: JSONObject?, _ split: String) -> [Double] {
    object?[split]?.arrayValue?.compactMap(\.doubleValue) ?? []
  }

  static func score(_ inputs: [String], _ settings: [(path: String, value: String)] = []) throws -> Bench.Scored {
    let merge = TestMerge(
      inputs: inputs,
      settings: [("score.scorer", "clues"), ("score.parameters.preset", "reference")] + settings)
    return try Bench(catalog: builtInCatalog(), threads: 2).score(merge.recipe)
  }

  private func close(_ x: [Double], _ y: [Double]) -> Bool {
    x.count == y.count && zip(x, y).allSatisfy { abs($0 - $1) <= 1e-4 * max(abs($1), 1e-3) }
  }

  @Test(arguments: ["", ".tar", ".tar.gz", ".tar.zst", ".zip"])
  func `scores, threshold and kept samples are the reference's`(_ ending: String) throws {
    try withTemporaryFolder { folder in
      let inputs = try ["c0", "c1"].map { client -> String in
        guard !ending.isEmpty else { return fixture("tiny/\(client)") }
        var packing = Packing(source: fixture("tiny/\(client)"), output: folder.path + "/" + client + ending)
        packing.including = [.gradients, .optimizers]
        _ = try packing.run()
        return folder.path + "/" + client + ending
      }
      let scored = try Self.score(inputs, [("select.threshold", "anchor-mean")])
      let expected = try Self.json("tiny/expected_scores.json")
      for client in ["c0", "c1"] {
        let scores = expected["scores"]?.objectValue?[client]?.objectValue
        for split in ["train", "anchor"] {
          let rows = scored.table.rows.filter { $0.client == client && $0.split == split }
          #expect(close(rows.compactMap { $0.score.value }, Self.numbers(scores, split)))
          for step in [4, 8] {
            let atStep = try Self.json("tiny/\(client)/checkpoint-\(step)/expected_scores.json")
            let found = rows.compactMap { row in row.checkpoints.first { $0.step == step }?.score }
            #expect(close(found, Self.numbers(atStep, split)))
          }
        }
        let kept = scored.table.rows.filter { $0.client == client && $0.split == "train" }.map {
          $0.kept == true ? 1 : 0
        }
        #expect(kept == expected["keep"]?.objectValue?[client]?.arrayValue?.compactMap(\.intValue))
      }
      let threshold = try #require(scored.selection?.globalThreshold)
      #expect(abs(threshold - (expected["threshold"]?.doubleValue ?? 0)) < 1e-6)
    }
  }

  @Test func `neither order nor threads change a score`() throws {
    let inputs = ["c0", "c1"].map { fixture("tiny/\($0)") }
    let recipe = try TestMerge(inputs: inputs.reversed(), settings: [("score.scorer", "clues")]).recipe
    let one = try Bench(catalog: builtInCatalog(), threads: 1).score(recipe).table.text
    let other = try TestMerge(inputs: inputs, settings: [("score.scorer", "clues")]).recipe
    #expect(try Bench(catalog: builtInCatalog(), threads: 4).score(other).table.text == one)
  }

  @Test func `scores read back as they were written`() throws {
    try withTemporaryFolder { folder in
      let scored = try Self.score(["c0", "c1"].map { fixture("tiny/\($0)") }, [("select.threshold", "anchor-mean")])
      let path = folder.path + "/scores.jsonl"
      try ScoresOutput(scored.table).write(to: path, replacing: false)
      let read = try ScoreTable(path: path)
      #expect(read.text == scored.table.text)
      #expect(read.scorers == scored.table.scorers)
      #expect(read.evidence == scored.table.evidence)
    }
  }

  @Test func `a threshold that was sent keeps the same samples`() throws {
    try withTemporaryFolder { folder in
      let inputs = ["c0", "c1"].map { fixture("tiny/\($0)") }
      let scored = try Self.score(inputs, [("select.threshold", "anchor-mean")])
      let selection = try #require(scored.selection)
      try SelectionOutput(selection).write(to: folder.path + "/sent", replacing: false)
      let decided = try DecidedThreshold(path: folder.path + "/sent/clues/threshold.json")
      let mine = try Self.score([inputs[1]])
      let applied = try SampleSelection(mine.table, decided: decided)
      #expect(applied.keptIds(of: "c1") == selection.keptIds(of: "c1"))
      #expect(!applied.keptIds(of: "c1").isEmpty)
      #expect(applied.notes.allSatisfy { $0.severity == .info })
    }
  }

  @Test(arguments: ["sum", "shortfall"])
  func `a total is standardised on the scale that was sent`(_ combination: String) throws {
    try withTemporaryFolder { folder in
      let inputs = ["c0", "c1"].map { fixture("tiny/\($0)") }
      let chain = "[{scorer: clues, parameters: {preset: reference}}, {scorer: loss, weight: 0.5}]"
      let bench = try Bench(catalog: builtInCatalog(), threads: 2)
      let all = try bench.score(
        TestMerge(
          inputs: inputs,
          settings: [("score", chain), ("combine", combination), ("select.threshold", "anchor-mean")]
        ).recipe)
      let selection = try #require(all.selection)
      try SelectionOutput(selection).write(to: folder.path + "/sent", replacing: false)
      let mine = try bench.score(
        TestMerge(inputs: [inputs[0]], settings: [("score", chain), ("combine", combination)]).recipe)
      let decided = try DecidedThreshold(path: folder.path + "/sent/clues/threshold.json")
      let applied = try SampleSelection(mine.table, decided: decided)
      #expect(applied.table.rows.first?.shortfalls.count == (combination == "sum" ? 0 : 2))
      let other = combination == "sum" ? "shortfall" : "sum"
      let foreign = try bench.score(
        TestMerge(inputs: [inputs[0]], settings: [("score", chain), ("combine", other)]).recipe)
      let refusal = try failure { try SampleSelection(foreign.table, decided: decided) }
      #expect(refusal.kind == .badData && refusal.message.contains("combined by '\(other)', but the threshold was"))
      #expect(applied.keptIds(of: "c0") == selection.keptIds(of: "c0"))
      // On a scale of its own the client would have got other scores.
      #expect(zip(mine.table.rows, all.table.rows).contains { $0.score != $1.score })
    }
  }
}
