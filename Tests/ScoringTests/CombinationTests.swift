import Diagnostics
import Foundation
import JSON
import PluginHost
import Recipes
import Tensors
import TestSupport
import Testing

@testable import Merging
@testable import Runs
@testable import Scoring
@testable import clues

/// How the scores of several scorers become one.
@Suite struct CombinationTests {
  private typealias Scorer = (name: String, weight: Double, side: Recipe.Side)

  private static let scorers: [Scorer] = [("x", 1, .low), ("y", 2, .both), ("z", 0.5, .low)]

  /// Made-up scores of two clients, row by row and scorer by scorer; ten anchors each.
  private static let scores: [[Double]] = {
    let random = RandomStream(seed: 7)
    return (0..<120).map { row in
      (0..<3).map { column in
        let uniform = Double(random.block(UInt64(row * 3 + column)).0 >> 11) * 0x1p-53
        // Training samples lie further apart than anchors, some of them on either side of all anchors.
        return (uniform - 0.5) * [1.0, row % 60 < 50 ? 3e3 : 1e3, 1e-3][column] + [0.0, 5e3, 1][column]
      }
    }
  }()

  private func isAnchor(_ index: Int) -> Bool { index % 60 >= 50 }

  private func table(
    _ combination: Recipe.Combination, _ scores: [[Double]] = scores, _ scorers: [Scorer] = scorers
  ) throws -> ScoreTable {
    let tables = scorers.enumerated().map { column, scorer in
      ScoreTable(
        rows: scores.enumerated().map { index, scores in
          ScoreTable.Row(
            client: index < 60 ? "a" : "b", split: isAnchor(index) ? "anchor" : "train", id: "\(index)", domain: nil,
            score: .value(scores[column]), checkpoints: [], parts: [])
        },
        scorers: [
          .init(
            id: scorer.name, name: scorer.name, version: "1", parameters: [:], weight: scorer.weight,
            side: combination == .shortfall ? scorer.side : nil)
        ])
    }
    return try ScoreTable.together(tables, combination).standardised()
  }

  private func totals(_ table: ScoreTable) -> [Double] { table.rows.compactMap(\.score.value) }

  /// Count, mean and sum of squares about it.
  private func moments(_ scores: [Double]) -> (count: Double, mean: Double, squares: Double) {
    let mean = scores.reduce(0, +) / Double(scores.count)
    return (Double(scores.count), mean, scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) })
  }

  private func anchors(_ scores: [[Double]], _ column: Int, of clients: Set<Int> = [0, 1]) -> [Double] {
    scores.indices.filter { isAnchor($0) && clients.contains($0 / 60) }.map { scores[$0][column] }
  }

  /// z of every row under every scorer by mean and deviation of the anchors of some clients.
  private func standardised(_ clients: Set<Int> = [0, 1], _ scores: [[Double]] = scores) -> [[Double]] {
    let all = (0..<3).map { moments(anchors(scores, $0, of: clients)) }
    return scores.map { row in
      (0..<3).map { (row[$0] - all[$0].mean) / (all[$0].squares / (all[$0].count - 1)).squareRoot() }
    }
  }

  /// z of every row under every scorer by the centre of its client, from the formulas of Documentation/Scoring.md.
  private func centred(_ scores: [[Double]] = scores) -> [[Double]] {
    let columns = (0..<3).map { column -> (centres: [Double], deviation: Double) in
      let all = moments(anchors(scores, column))
      let own = [0, 1].map { moments(anchors(scores, column, of: [$0])) }
      let within = own.reduce(0) { $0 + $1.squares } / (all.count - 2)
      let mean = (own[0].mean + own[1].mean) / 2
      let spread = own.reduce(0) { $0 + ($1.mean - mean) * ($1.mean - mean) } / 1
      let between = max(0, spread - within * (1 / own[0].count + 1 / own[1].count) / 2)
      let centres = own.map { all.mean + ($0.mean - all.mean) * between / (between + within / $0.count) }
      return (centres, within.squareRoot())
    }
    return scores.enumerated().map { index, row in
      (0..<3).map { (row[$0] - columns[$0].centres[index / 60]) / columns[$0].deviation }
    }
  }

  /// What the three scorers add to a shortfall.
  private static func terms(_ z: [Double]) -> [Double] {
    [min(z[0], 0), 2 * (min(z[1], 0) - max(z[1] - 2, 0)), 0.5 * min(z[2], 0)]
  }

  @Test func `totals are those of the formulas`() throws {
    let sums = standardised().map { $0[0] + 2 * $0[1] + 0.5 * $0[2] }
    let z = centred()
    let shortfalls = z.map { Self.terms($0).reduce(0, +) }
    #expect(z.contains { $0[1] > 2 } && z.contains { $0[1] < -2 } && z.contains { $0[1] > 0 && $0[1] < 2 })
    #expect(zip(totals(try table(.sum)), sums).allSatisfy { abs($0 - $1) < 1e-9 })
    let table = try table(.shortfall)
    #expect(zip(totals(table), shortfalls).allSatisfy { abs($0 - $1) < 1e-9 })
    for (row, z) in zip(table.rows, z) {
      #expect(row.shortfalls.map(\.scorer) == ["x", "y", "z"])
      #expect(row.score.value == row.shortfalls.reduce(0) { $0 + $1.value })
      let least = try #require(zip(Self.terms(z), ["x", z[1] > 0 ? "y (above)" : "y", "z"]).min { $0.0 < $1.0 })
      #expect(row.shortOf == (least.0 < 0 ? least.1 : nil))
    }
  }

  /// A sample that is far better than the anchors by one scorer is no better for it by another.
  @Test func `no scorer makes up for another`() throws {
    let before = totals(try table(.shortfall))
    var raised = Self.scores
    for index in raised.indices where !isAnchor(index) { raised[index][0] += 1e6 }
    let after = try table(.shortfall, raised)
    let z = centred()
    for index in raised.indices where !isAnchor(index) {
      // What it lacked by x is made up for, and nothing else is.
      #expect(abs((after.rows[index].score.value ?? 9) - (before[index] - min(z[index][0], 0))) < 1e-9)
      #expect(after.rows[index].shortfalls[0].value == 0)
    }
    // With both sides what lies far above counts like what lies below.
    raised = Self.scores
    for index in raised.indices where !isAnchor(index) { raised[index][1] += 1e6 }
    let punished = totals(try table(.shortfall, raised))
    #expect(punished.indices.allSatisfy { isAnchor($0) || punished[$0] < before[$0] })
  }

  @Test(arguments: Recipe.Combination.allCases)
  func `units and the order of scorers play no part`(_ combination: Recipe.Combination) throws {
    let due = totals(try table(combination))
    let others = Self.scores.map { [$0[0] * 1e5 - 3, $0[1] / 7, $0[2] + 100] }
    #expect(zip(totals(try table(combination, others)), due).allSatisfy { abs($0 - $1) < 1e-6 })
    let turned = try table(
      combination, Self.scores.map { [$0[2], $0[0], $0[1]] }, [2, 0, 1].map { Self.scorers[$0] })
    #expect(zip(totals(turned), due).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  /// Ten anchors each tell clients apart that differ; those that do not have one centre.
  @Test(arguments: [0, 0.3, 3, 1e4]) func `clients have centres of their own as far as their anchors differ`(
    _ offset: Double
  ) throws {
    // The same anchors for both, so that nothing but the offset is between them.
    let scores = Self.scores.indices.map { index in
      Self.scores[isAnchor(index) ? index % 60 : index].map { index < 60 ? $0 : $0 + offset * 1e3 }
    }
    let table = try table(.shortfall, scores)
    let due = centred(scores).map { Self.terms($0).reduce(0, +) }
    #expect(zip(totals(table), due).allSatisfy { abs($0 - $1) < 1e-6 })
    let own = moments(anchors(scores, 1, of: [0]))
    let scale = try #require(table.scorers[1].scale)
    #expect(abs(scale.deviation - (own.squares / (own.count - 1)).squareRoot()) < 1e-6)
    let variance = scale.deviation * scale.deviation
    let between = max(0, offset * offset * 1e6 / 2 - variance / 10)
    #expect(abs(scale.between - between.squareRoot()) < 1e-6 * max(1, scale.between))
    #expect((scale.between > 0) == (offset > 0.2))
    // Wide apart, each client's samples are measured from its own anchors.
    if offset == 1e4 {
      let centre = scale.centre(of: Statistics(anchors(scores, 1, of: [1])))
      #expect(abs(centre - moments(anchors(scores, 1, of: [1])).mean) < 1e-4 * scale.deviation)
    }
    #expect(scale.centre(of: Statistics([])) == scale.mean)
  }

  /// Without a deviation within clients nothing can be said of that between them.
  @Test func `single anchors have one centre`() throws {
    let scale = ScoreTable.Scorer.Scale(mean: 1, deviation: 2)
    #expect(scale.divided([1, 5, 9].map { Statistics([$0]) }) == scale)
    #expect(scale.divided([Statistics([1, 1]), Statistics([2, 2]), Statistics([])]) == scale)
    #expect(scale.divided([Statistics([1, 3])]) == .init(mean: 1, deviation: 2.0.squareRoot(), between: 0))
  }

  private func select(_ table: ScoreTable, calibrated: Bool = false) throws -> SampleSelection {
    try Bench(catalog: builtInCatalog(), threads: 1).select(
      table, rule: "anchor-sigma", parameters: [:], calibratesClients: calibrated)
  }

  /// Were the totals calibrated instead, all of a client that lies above the anchors of all would be cut off before.
  @Test func `clients are calibrated before they fall short`() throws {
    let moved = Self.scores.enumerated().map { index, scores in
      index < 60 ? scores : [scores[0] * 3 + 1e3, scores[1] - 1e5, scores[2] * 10]
    }
    let before = try select(table(.shortfall), calibrated: true)
    let after = try select(table(.shortfall, moved), calibrated: true)
    #expect(before.table.rows.map(\.kept) == after.table.rows.map(\.kept))
    let z = [standardised([0], moved), standardised([1], moved)]
    for (index, row) in after.table.rows.enumerated() {
      let z = z[index / 60][index]
      #expect(zip(row.shortfalls, Self.terms(z)).allSatisfy { abs($0.value - $1) < 1e-6 })
      if let kept = row.kept {
        #expect(kept == (row.shortfalls.reduce(0) { $0 + $1.value } >= after.globalThreshold ?? .infinity))
      }
    }
    var flat = Self.scores
    for index in 110..<120 { flat[index][0] = 4 }
    let failure = try failure { try select(table(.shortfall, flat), calibrated: true) }
    #expect(failure.client == "b" && failure.kind == .badData)
    #expect(
      failure.message == "its scores of 'x' cannot be calibrated: it has 10 scored anchors, all with the same score")
  }

  @Test func `every dropped sample says in which respect it falls short most`() throws {
    let selection = try select(table(.shortfall))
    let rows = try selection.table.text.split(separator: "\n").map {
      try #require(try JSONReader().read(String($0)).objectValue)
    }
    #expect(rows.contains { $0["kept"] == false })
    for row in rows {
      let terms = (row["shortfalls"]?.objectValue?.members ?? []).map { ($0.key, $0.value.doubleValue ?? 1) }
      #expect(terms.map(\.0) == ["x", "y", "z"] && terms.allSatisfy { $0.1 <= 0 })
      // y lies between −3 and 3 times as far from the anchors' mean as they do: above it where its score is above 5000.
      let isAbove = (row["scores"]?.objectValue?["y"]?.doubleValue ?? 0) > 5e3
      let least = terms.min { $0.1 < $1.1 }.map { $0.0 == "y" && isAbove ? "y (above)" : $0.0 }
      #expect(row["short_of"]?.stringValue == (row["kept"] == false ? least : nil))
    }
    #expect(rows.contains { $0["short_of"] == "y (above)" } && rows.contains { $0["short_of"] == "y" })
    for client in selection.clients {
      let dropped = client.total - client.kept
      let counts = client.shortOf.map { respect, _ in
        rows.count { $0["client"]?.stringValue == client.client && $0["short_of"]?.stringValue == respect }
      }
      #expect(client.shortOf.map(\.respect) == ["x", "y", "y (above)", "z"] && client.shortOf.map(\.count) == counts)
      #expect(counts.reduce(0, +) == dropped && dropped > 0)
    }
    let table = try #require(selection.shortfallText())
    #expect(selection.text().contains(table))
    let first = selection.clients[0].shortOf
    let largest = try #require(first.max { $0.count < $1.count })
    #expect(table.hasPrefix("What dropped samples fall short of most:\na  \(largest.respect) \(largest.count), "))
    let json = selection.json.objectValue?["clients"]?.arrayValue?[1].objectValue?["short_of"]?.objectValue
    #expect(json?.members.map(\.value) == selection.clients[1].shortOf.map { JSONValue($0.count) })
    // A sum has no respect in which a sample falls short.
    let sum = try select(self.table(.sum))
    #expect(sum.shortfallText() == nil && !sum.table.text.contains("short"))
    #expect(sum.clients.allSatisfy { $0.shortOf.isEmpty })
  }

  @Test func `files bring the combination along`() throws {
    try withTemporaryFolder { folder in
      let path = folder.path + "/scores.jsonl"
      let table = try select(table(.shortfall)).table
      try ScoresOutput(table).write(to: path, replacing: false)
      let read = try ScoreTable(path: path)
      #expect(read.text == table.text && read.scorers == table.scorers && read.combination == .shortfall)
      let origin = folder.path + "/scores.origin.json"
      let text = try String(contentsOfFile: origin, encoding: .utf8)
      func reading(_ change: (String) -> String) throws -> ScoreTable {
        let changed = change(text)
        #expect(changed != text)
        try changed.write(toFile: origin, atomically: true, encoding: .utf8)
        return try ScoreTable(path: path)
      }
      // From before there was a choice.
      let old = try reading { $0.replacing("\"combine\": \"shortfall\",", with: "") }
      #expect(old.combination == .sum && old.rows.allSatisfy { $0.shortfalls.isEmpty })
      for (from, to, message) in [
        ("\"shortfall\"", "\"largest\"", "'combine' is not one of 'shortfall', 'sum'"),
        ("\"name\": \"y\"", "\"name\": \"x\"", "two scorers have the name 'x'"),
        (
          "\"anchor_deviation_between_clients\": ", "\"anchor_deviation_between_clients\": -1",
          "the scorer 'x' has clients with a negative deviation"
        ),
        ("\"both\"", "\"high\"", "the 'side' of the scorer 'y' is neither 'low' nor 'both'"),
      ] {
        let failure = try failure { _ = try reading { $0.replacing(from, with: to) } }
        #expect(failure.message == message && failure.file == origin && failure.kind == .badData)
      }
    }
  }

  @Test func `the same scorer may stand twice under names of its own`() throws {
    let chain = "[{scorer: loss, name: first}, {scorer: loss}, {scorer: loss}, {scorer: grand, side: both}]"
    let recipe = try TestMerge(
      inputs: ["c0", "c1"].map { fixture("tiny/\($0)") },
      settings: [("score", chain), ("select.threshold", "anchor-mean")]
    ).recipe
    let scored = try Bench(catalog: builtInCatalog(), threads: 1).score(recipe)
    #expect(scored.table.scorers.map(\.name) == ["first", "loss", "loss-2", "grand"])
    #expect(scored.table.scorers.map(\.side) == [.low, .low, .low, .both])
    #expect(scored.table.rows.allSatisfy { $0.parts.map(\.scorer) == ["first", "loss", "loss-2", "grand"] })
    let shares = try #require(scored.selection).clients
    #expect(shares[0].shortOf.map(\.respect) == ["first", "loss", "loss-2", "grand", "grand (above)"])
    #expect(scored.table.combination == .shortfall)
  }
}
