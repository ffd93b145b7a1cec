import Diagnostics
import Foundation
import JSON
import PluginHost
import Recipes
import Tensors
import TestSupport
import Testing

@testable import Workbench

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

  private func isAnchor(_ place: Int) -> Bool { place % 60 >= 50 }

  private func table(
    _ combination: Recipe.Combination, _ scores: [[Double]] = scores, _ scorers: [Scorer] = scorers
  ) throws -> ScoreTable {
    let tables = scorers.enumerated().map { column, scorer in
      ScoreTable(
        rows: scores.enumerated().map { place, scores in
          ScoreTable.Row(
            client: place < 60 ? "a" : "b", split: isAnchor(place) ? "anchor" : "train", id: "\(place)", domain: nil,
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

  /// z of every row under every scorer, by the anchors that are meant.
  private func standardised(_ isMeant: (Int) -> Bool) -> [[Double]] {
    let scores = Self.scores
    let scales = (0..<3).map { column -> (mean: Double, deviation: Double) in
      let anchors = scores.indices.filter { isAnchor($0) && isMeant($0) }.map { scores[$0][column] }
      let mean = anchors.reduce(0, +) / Double(anchors.count)
      let variance = anchors.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(anchors.count - 1)
      return (mean, variance.squareRoot())
    }
    return scores.map { row in (0..<3).map { (row[$0] - scales[$0].mean) / scales[$0].deviation } }
  }

  /// What the three scorers add to a shortfall.
  private static func terms(_ z: [Double]) -> [Double] {
    [min(z[0], 0), 2 * (min(z[1], 0) - max(z[1] - 2, 0)), 0.5 * min(z[2], 0)]
  }

  @Test func `totals are those of the formulas`() throws {
    let z = standardised { _ in true }
    let sums = z.map { $0[0] + 2 * $0[1] + 0.5 * $0[2] }
    let shortfalls = z.map { Self.terms($0).reduce(0, +) }
    #expect(z.contains { $0[1] > 2 } && z.contains { $0[1] < -2 } && z.contains { $0[1] > 0 && $0[1] < 2 })
    #expect(zip(totals(try table(.sum)), sums).allSatisfy { abs($0 - $1) < 1e-9 })
    let table = try table(.shortfall)
    #expect(zip(totals(table), shortfalls).allSatisfy { abs($0 - $1) < 1e-9 })
    for (row, z) in zip(table.rows, z) {
      #expect(row.shortfalls.map(\.scorer) == ["x", "y", "z"])
      #expect(row.score.value == row.shortfalls.reduce(0) { $0 + $1.value })
      let least = try #require(zip(Self.terms(z), ["x", "y", "z"]).min { $0.0 < $1.0 })
      #expect(row.shortOf == (least.0 < 0 ? least.1 : nil))
    }
  }

  /// A sample that is far better than the anchors by one scorer is no better for it by another.
  @Test func `no scorer makes up for another`() throws {
    let before = totals(try table(.shortfall))
    var raised = Self.scores
    for place in raised.indices where !isAnchor(place) { raised[place][0] += 1e6 }
    let after = try table(.shortfall, raised)
    let z = standardised { _ in true }
    for place in raised.indices where !isAnchor(place) {
      // What it lacked by x is made up for, and nothing else is.
      #expect(abs((after.rows[place].score.value ?? 9) - (before[place] - min(z[place][0], 0))) < 1e-9)
      #expect(after.rows[place].shortfalls[0].value == 0)
    }
    // With both sides what lies far above counts like what lies below.
    raised = Self.scores
    for place in raised.indices where !isAnchor(place) { raised[place][1] += 1e6 }
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

  private func select(_ table: ScoreTable, calibrated: Bool = false) throws -> SampleSelection {
    try Bench(catalog: builtInCatalog(), threads: 1).select(
      table, rule: "anchor-sigma", parameters: [:], calibratesClients: calibrated)
  }

  /// Were the totals calibrated instead, all of a client that lies above the anchors of all would be cut off before.
  @Test func `clients are calibrated before they fall short`() throws {
    let moved = Self.scores.enumerated().map { place, scores in
      place < 60 ? scores : [scores[0] * 3 + 1e3, scores[1] - 1e5, scores[2] * 10]
    }
    let before = try select(table(.shortfall), calibrated: true)
    let after = try select(table(.shortfall, moved), calibrated: true)
    #expect(before.table.rows.map(\.kept) == after.table.rows.map(\.kept))
    let z = [standardised { $0 < 60 }, standardised { $0 >= 60 }]
    for (place, row) in after.table.rows.enumerated() {
      let z = z[place / 60][place]
      #expect(zip(row.shortfalls, Self.terms(z)).allSatisfy { abs($0.value - $1) < 1e-6 })
      if let kept = row.kept {
        #expect(kept == (row.shortfalls.reduce(0) { $0 + $1.value } >= after.globalThreshold ?? .infinity))
      }
    }
    var flat = Self.scores
    for place in 110..<120 { flat[place][0] = 4 }
    let failure = try failure { try select(table(.shortfall, flat), calibrated: true) }
    #expect(failure.client == "b" && failure.kind == .badData)
    #expect(
      failure.message == "its scores of 'x' cannot be calibrated: it has 10 scored anchors, all with the same score")
  }

  @Test func `every dropped sample says by which scorer it falls short most`() throws {
    let selection = try select(table(.shortfall))
    let rows = try selection.table.text.split(separator: "\n").map {
      try #require(try JSONReader().read(String($0)).objectValue)
    }
    #expect(rows.contains { $0["kept"] == false })
    for row in rows {
      let terms = (row["shortfalls"]?.objectValue?.members ?? []).map { ($0.key, $0.value.doubleValue ?? 1) }
      #expect(terms.map(\.0) == ["x", "y", "z"] && terms.allSatisfy { $0.1 <= 0 })
      #expect(row["short_of"]?.stringValue == (row["kept"] == false ? terms.min { $0.1 < $1.1 }?.0 : nil))
    }
    for client in selection.clients {
      let dropped = client.total - client.kept
      let counts = client.shortOf.map { scorer, _ in
        rows.count { $0["client"]?.stringValue == client.client && $0["short_of"]?.stringValue == scorer }
      }
      #expect(client.shortOf.map(\.scorer) == ["x", "y", "z"] && client.shortOf.map(\.count) == counts)
      #expect(counts.reduce(0, +) == dropped && dropped > 0)
    }
    let table = try #require(selection.shortfallText())
    #expect(table.hasPrefix("dropped, falling short most by") && selection.text().contains(table))
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
        ("\"shortfall\"", "\"largest\"", "'combine' is none of 'shortfall', 'sum'"),
        ("\"name\": \"y\"", "\"name\": \"x\"", "two scorers are called 'x'"),
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
    #expect(scored.selection?.clients.first?.shortOf.map(\.scorer) == ["first", "loss", "loss-2", "grand"])
    #expect(scored.table.combination == .shortfall)
  }
}
