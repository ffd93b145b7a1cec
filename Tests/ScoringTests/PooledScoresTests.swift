import Diagnostics
import Foundation
import JSON
import Recipes
import TestSupport
import Testing

@testable import Merging
@testable import Runs
@testable import Scoring

/// What the clients' own scores give together is what one run over all bundles gives.
@Suite struct PooledScoresTests {
  private static let chain = "[{scorer: clues, parameters: {preset: reference}}, {scorer: loss, weight: 0.5}]"

  private static let twoSided = """
    [{scorer: clues, name: contribution}, {scorer: clues, name: direction, parameters: {normalize: sample}}, {scorer: loss,
    side: both}]
    """

  /// Writes each client's scores, made by itself, and gives the paths.
  private func scores(
    _ clients: [String], in folder: URL, _ score: String, _ combination: String? = nil
  ) throws -> [String] {
    try clients.map { client in
      let combine = combination.map { [("combine", $0)] } ?? []
      let recipe = try TestMerge(inputs: [fixture("tiny/\(client)")], settings: [("score", score)] + combine).recipe
      let table = try Bench(catalog: builtInCatalog(), threads: 1).score(recipe).table
      let path = folder.path + "/\(client).jsonl"
      try ScoresOutput(table).write(to: path, replacing: false)
      return path
    }
  }

  @Test(
    arguments: [(chain, "shortfall"), (chain, "sum"), (twoSided, nil), ("{scorer: clues}", nil)] as [(String, String?)],
    [false, true])
  func `pooled files give what one run gives`(_ chain: (score: String, combine: String?), _ calibrates: Bool) throws {
    try withTemporaryFolder { folder in
      let bench = try Bench(catalog: builtInCatalog(), threads: 2)
      let all = try bench.score(
        TestMerge(
          inputs: ["c0", "c1"].map { fixture("tiny/\($0)") },
          settings: [("score", chain.score), ("select.threshold", "anchor-sigma")]
            + (chain.combine.map { [("combine", $0)] } ?? [])
            + (calibrates ? [("select.calibrate", "client")] : [])
        ).recipe)
      let one = try #require(all.selection)
      // The order of the files plays no part.
      let paths = try scores(["c1", "c0"], in: folder, chain.score, chain.combine)
      let pooled = try bench.select(
        ScoreTable(pooling: paths), rule: "anchor-sigma", parameters: [:], calibratesClients: calibrates)
      #expect(pooled.table.text == one.table.text)
      let recipe = try TestMerge(
        inputs: [fixture("tiny/c0")],
        settings: [("score", chain.score), ("select.threshold", "anchor-sigma")]
          + (calibrates ? [("select.calibrate", "client")] : [])
      ).recipe
      #expect(try bench.select(ScoreTable(pooling: paths), by: recipe).table.text == one.table.text)
      #expect(DecidedThreshold(pooled).json == DecidedThreshold(one).json)
      #expect(pooled.json == one.json)
      // The threshold goes back to a client, which has its own scores alone.
      try SelectionOutput(pooled).write(to: folder.path + "/pooled", replacing: false)
      let applied = try SampleSelection(
        ScoreTable(path: paths[0]), decided: DecidedThreshold(path: folder.path + "/pooled/clues/threshold.json"))
      #expect(applied.keptIds(of: "c1") == one.keptIds(of: "c1"))
    }
  }

  @Test func `anchors alone are enough for a threshold`() throws {
    try withTemporaryFolder { folder in
      let paths = try scores(["c0", "c1"], in: folder, Self.chain)
      let bench = try Bench(catalog: builtInCatalog(), threads: 1)
      func threshold(_ paths: [String]) throws -> JSONValue {
        let selection = try bench.select(
          ScoreTable(pooling: paths), rule: "anchor-sigma", parameters: [:], calibratesClients: false)
        #expect(!selection.notes.contains { $0.text.contains("no samples of client") })
        return DecidedThreshold(selection).json
      }
      let anchors = try paths.map { path in
        let copy = path + ".anchors.jsonl"
        try ScoresOutput(ScoreTable(path: path).anchorsAlone()).write(to: copy, replacing: false)
        return copy
      }
      #expect(try threshold(anchors) == threshold(paths))
      var none = try ScoreTable(path: paths[0])
      none.rows.removeAll { $0.isAnchor }
      #expect(try failure { try none.anchorsAlone() }.message == "there are no anchors")
    }
  }

  @Test func `a client without anchors of its own takes part`() throws {
    try withTemporaryFolder { folder in
      for client in ["c0", "c1"] {
        try FileManager.default.copyItem(atPath: fixture("tiny/\(client)"), toPath: folder.path + "/" + client)
      }
      for step in [4, 8] {
        try FileManager.default.removeItem(atPath: folder.path + "/c1/checkpoint-\(step)/gradients/anchor.safetensors")
      }
      let bench = try Bench(catalog: builtInCatalog(), threads: 1)
      func recipe(_ clients: [String], _ more: [(path: String, value: String)] = []) throws -> Recipe {
        try TestMerge(inputs: clients.map { folder.path + "/" + $0 }, settings: [("score", Self.chain)] + more).recipe
      }
      let alone = try bench.score(recipe(["c1"]))
      #expect(alone.table.rows.allSatisfy { $0.score == .unscored(ScoreTable.notCombined) && $0.parts.count == 2 })
      #expect(alone.notes.contains { $0.severity == .warning && $0.text.contains("cannot be standardised") })
      // Who selects needs a sum, and is refused as before.
      #expect(
        try failure { try bench.score(recipe(["c1"], [("select.threshold", "otsu")])) }.message.contains(
          "cannot be standardised: there are 0 scored anchors"))
      let paths = try ["c0", "c1"].map { client in
        let path = folder.path + "/\(client).jsonl"
        try ScoresOutput(bench.score(recipe([client])).table).write(to: path, replacing: false)
        return path
      }
      let one = try #require(try bench.score(recipe(["c0", "c1"], [("select.threshold", "anchor-mean")])).selection)
      let pooled = try bench.select(
        ScoreTable(pooling: paths), rule: "anchor-mean", parameters: [:], calibratesClients: false)
      #expect(pooled.table.text == one.table.text)
      // A threshold that was sent brings the scale along.
      try SelectionOutput(pooled).write(to: folder.path + "/pooled", replacing: false)
      let applied = try SampleSelection(
        ScoreTable(path: paths[1]), decided: DecidedThreshold(path: folder.path + "/pooled/clues/threshold.json"))
      #expect(applied.keptIds(of: "c1") == one.keptIds(of: "c1") && !applied.keptIds(of: "c1").isEmpty)
    }
  }

  @Test func `files that do not go together are refused`() throws {
    try withTemporaryFolder { folder in
      let paths = try scores(["c0", "c1"], in: folder, Self.chain)
      let twice = try failure { try ScoreTable(pooling: [paths[0], paths[1], paths[0]]) }
      #expect(twice.message == "has scores of a client that is also in \(paths[0])", "\(twice)")
      #expect(twice.client == "c0" && twice.file == paths[0] && twice.kind == .badData)
      let other = folder.appending(path: "other")
      try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
      let weighted = try scores(
        ["c1"], in: other, "[{scorer: clues, parameters: {preset: reference}}, {scorer: loss, weight: 0.7}]")
      let foreign = try failure { try ScoreTable(pooling: [paths[0]] + weighted) }
      #expect(foreign.file == weighted[0] && foreign.message.contains("but those in \(paths[0]) are of"), "\(foreign)")
      let summed = folder.appending(path: "summed")
      try FileManager.default.createDirectory(at: summed, withIntermediateDirectories: true)
      let sums = try scores(["c1"], in: summed, Self.chain, "sum")
      let mixed = try failure { try ScoreTable(pooling: [paths[0]] + sums) }
      #expect(mixed.kind == .badData && mixed.file == sums[0], "\(mixed)")
      #expect(mixed.message.contains(", combined by 'sum', but those in ") && mixed.message.hasSuffix("'shortfall'"))
      try FileManager.default.removeItem(atPath: folder.path + "/c1.origin.json")
      let nameless = try failure { try ScoreTable(pooling: paths) }
      #expect(nameless.message.contains("unknown scorers"), "\(nameless)")
      #expect(nameless.advice?.contains(".origin.json") == true)
      try FileManager.default.removeItem(atPath: folder.path + "/c0.origin.json")
      #expect(
        try failure { try ScoreTable(pooling: paths) }.message
          == "has scores of several scorers, but not how to combine them")
      #expect(try failure { try ScoreTable(pooling: [paths[0], "-"]) }.kind == .usage)
    }
  }
}
