import Diagnostics
import Foundation
import JSON
import PluginHost
import Recipes
import Reports
import Synchronization
import TestSupport
import Testing

@testable import Runs
@testable import Scoring
@testable import clues

/// How sure a threshold is: against formulas, and whatever the order and the number of threads.
@Suite struct ThresholdBootstrapTests {
  private typealias Made = (name: String, train: [[Double]], anchors: [[Double]])

  /// Made-up scores by one scorer or several.
  private func table(_ clients: [Made], _ combination: Recipe.Combination = .sum) throws -> ScoreTable {
    let count = clients.first?.train.first?.count ?? 1
    return try ScoreTable.together(
      (0..<count).map { index in
        let rows = clients.flatMap { client in
          [("train", client.train), ("anchor", client.anchors)].flatMap { split, scores in
            scores.enumerated().map { sample, scores in
              ScoreTable.Row(
                client: client.name, split: split, id: "\(split)-\(sample)", domain: nil, score: .value(scores[index]),
                checkpoints: [], parts: [])
            }
          }
        }
        return ScoreTable(
          rows: rows, scorers: [.init(id: "s", name: "s\(index)", version: "1", parameters: [:], weight: 1)])
      }, combination
    ).standardised()
  }

  /// Numbers of a normal distribution, the same each time: sums of twelve uniform ones.
  private func normal(_ count: Int, _ seed: Int, mean: Double = 0) -> [Double] {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
    return (0..<count).map { _ in
      (0..<12).reduce(mean - 6) { sum, _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return sum + Double(state >> 11) / Double(1 << 53)
      }
    }
  }

  private func clients(_ count: Int, anchors: Int = 10, samples: Int = 80, scorers: Int = 1) -> [Made] {
    (0..<count).map { client in
      func scores(_ count: Int, _ seed: Int, _ mean: Double) -> [[Double]] {
        let columns = (0..<scorers).map { normal(count, seed * 7 + $0 + client * 1000, mean: mean) }
        return (0..<count).map { row in columns.map { $0[row] } }
      }
      return (
        "c\(client)", scores(samples / 2, 1, 0) + scores(samples / 2, 2, -2), scores(anchors, 3, 0)
      )
    }
  }

  private func select(
    _ table: ScoreTable, _ rule: String, _ parameters: [String: JSONValue] = [:], calibrated: Bool = false,
    draws: Int = 200, threads: Int = 1
  ) throws -> SampleSelection {
    try Bench(catalog: builtInCatalog(), threads: threads).select(
      table, rule: rule, parameters: parameters, calibratesClients: calibrated, draws: draws)
  }

  private func kinds(_ bootstrap: ThresholdBootstrap?) -> [String] {
    (bootstrap?.resamplings ?? []).map { "\($0.unit.rawValue) +\($0.more)" }
  }

  @Test func `the mean of anchors is as sure as its standard error says`() throws {
    let made = clients(1, anchors: 400)
    let selection = try select(table(made), "anchor-mean", draws: 2000)
    let present = try #require(selection.bootstrap?.present)
    let interval = try #require(present.interval)
    let anchors = Statistics(made[0].anchors.map { $0[0] })
    // 5 and 95 % of a normal distribution are 1.645 standard errors from its middle.
    #expect(abs((interval.upperBound - interval.lowerBound) / (2 * 1.645 * anchors.standardError) - 1) < 0.06)
    #expect(abs((interval.upperBound + interval.lowerBound) / 2 - anchors.mean) < 0.15 * anchors.standardError)
    let deviations = try #require(present.deviations)
    #expect(abs(deviations.lowerBound - (interval.lowerBound - anchors.mean) / anchors.deviation) < 1e-12)
    #expect(present.failed == 0 && kinds(selection.bootstrap) == ["anchors +0", "anchors +10"])
  }

  /// Every draw worked out again, in a loop over the same random numbers.
  @Test func `an interval is that of draws worked out one by one`() throws {
    let made = clients(2, anchors: 7)
    let selection = try select(table(made), "anchor-sigma", draws: 50)
    let evidence = ThresholdEvidence(
      try table(made), calibrated: try table(made), calibratesClients: false,
      thresholds: selection.clients.map(\.threshold), decide: { _ in [] })
    var thresholds: [Double] = []
    var decisions: [[Bool]] = []
    let values = try table(made).rows.map { $0.score.value ?? .nan }
    for number in 0..<50 {
      let draw = evidence.draw(number, of: .anchors, more: 0, seed: 0)
      #expect(draw.anchors.map(\.count) == [7, 7] && draw.training.map(\.count) == [80, 80])
      let drawn = draw.anchors.joined().map { evidence.rows[$0] }
      #expect(drawn.allSatisfy { $0.split == "anchor" } && Set(drawn.map(\.id)).count > 2)
      let scores = drawn.compactMap { $0.score.value }
      let mean = scores.reduce(0, +) / 14
      let deviation = (scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 13).squareRoot()
      thresholds.append(mean - deviation)
      decisions.append(values.map { $0 >= mean - deviation })
    }
    let sorted = thresholds.sorted()
    let present = try #require(selection.bootstrap?.present)
    // 0.05 · 49 = 2.45 and 0.95 · 49 = 46.55.
    let low = sorted[2] + 0.45 * (sorted[3] - sorted[2])
    let high = sorted[46] + 0.55 * (sorted[47] - sorted[46])
    #expect(abs(present.interval!.lowerBound - low) < 1e-12 && abs(present.interval!.upperBound - high) < 1e-12)
    let threshold = try #require(selection.globalThreshold)
    let rows = try table(made).rows
    let unsure = rows.indices.count { index in
      rows[index].isTrain && decisions.count { $0[index] == (values[index] >= threshold) } < 45
    }
    #expect(present.unsure == unsure && present.scored == 160 && unsure > 0)
  }

  /// A draw's anchors in the place of the real ones, scored and selected from the start.
  @Test(arguments: [false, true]) func `a draw of a shortfall measures from its own anchors`(_ calibrated: Bool) throws
  {
    let made = clients(3, anchors: 9, scorers: 3)
    let whole = try table(made, .shortfall)
    let rule = try builtInCatalog().thresholdRule("anchor-sigma")
    let values = try ParameterValues([:], schema: rule.about.parameters, of: "'anchor-sigma'")
    let selection = try select(whole, "anchor-sigma", calibrated: calibrated, draws: 0)
    let kept = selection.table.rows.map(\.kept)
    let evidence = ThresholdEvidence(
      whole, calibrated: calibrated ? try whole.calibrated() : whole, calibratesClients: calibrated,
      thresholds: selection.clients.map(\.threshold),
      decide: { try rule.thresholds(for: $0, values, services: HostServices()) })
    for number in 0..<5 {
      let draw = evidence.draw(number, of: .anchors, more: 2, seed: 3)
      var drawn = made
      for (index, anchors) in draw.anchors.enumerated() {
        drawn[index].anchors = anchors.map { row in evidence.rows[row].parts.map { $0.score! } }
      }
      let expected = try select(table(drawn, .shortfall), "anchor-sigma", calibrated: calibrated, draws: 0)
      let outcome = try #require(try evidence.outcome(of: draw))
      let theirs = Dictionary(
        uniqueKeysWithValues: expected.table.rows.filter(\.isTrain).map { ("\($0.client) \($0.id)", $0.kept) })
      for (row, agrees) in zip(evidence.rows, outcome.agrees) where row.isTrain {
        let index = try #require(whole.rows.firstIndex { $0.client == row.client && $0.id == row.id && $0.isTrain })
        #expect(agrees == (kept[index] == theirs["\(row.client) \(row.id)"]), "\(row.client) \(row.id)")
      }
      #expect(Set(theirs.values).count == 2)
    }
  }

  @Test func `the order of clients and samples plays no part, nor do threads`() throws {
    let made = clients(4)
    let expected = try select(table(made), "anchor-sigma").bootstrap
    #expect(expected?.resamplings.count == 4)
    #expect(try select(table(made), "anchor-sigma", threads: 3).bootstrap == expected)
    #expect(try select(table(made.reversed()), "anchor-sigma").bootstrap == expected)
    var shuffled = try table(made)
    let groups = shuffled.groups
    shuffled.rows = groups.flatMap { group in group.places.reversed().map { shuffled.rows[$0] } }
    let again = try #require(try select(shuffled, "anchor-sigma").bootstrap)
    #expect(again.resamplings.map(\.unsure) == expected?.resamplings.map(\.unsure))
    for (one, other) in zip(again.resamplings, expected?.resamplings ?? []) {
      #expect(abs(one.interval!.lowerBound - other.interval!.lowerBound) < 1e-12)
    }
  }

  @Test func `more anchors and more clients make it surer`() throws {
    let bootstrap = try #require(try select(table(clients(5, anchors: 8)), "anchor-sigma", draws: 400).bootstrap)
    #expect(kinds(bootstrap) == ["anchors +0", "anchors +10", "clients +0", "clients +1"])
    func width(_ index: Int) -> Double {
      bootstrap.resamplings[index].deviations.map { $0.upperBound - $0.lowerBound } ?? .nan
    }
    // 18 anchors instead of 8: by √(8/18) = 0.67; six clients instead of five: by √(5/6) = 0.91.
    #expect((0.55...0.8).contains(width(1) / width(0)), "\(width(1) / width(0))")
    #expect((0.8...1.02).contains(width(3) / width(2)), "\(width(3) / width(2))")
    #expect(bootstrap.resamplings[1].unsure < bootstrap.resamplings[0].unsure)
    #expect(
      try select(table(clients(2)), "anchor-sigma").bootstrap?.resamplings.contains { $0.unit == .clients } == false)
  }

  @Test func `one client of another kind shows when clients are drawn`() throws {
    var made = clients(5)
    let alike = try #require(try select(table(made), "anchor-mean").bootstrap)
    made[4].anchors = made[4].anchors.map { [$0[0] + 12] }
    let other = try #require(try select(table(made), "anchor-mean").bootstrap)
    func width(_ resampling: ThresholdBootstrap.Resampling) -> Double {
      resampling.interval.map { $0.upperBound - $0.lowerBound } ?? .nan
    }
    // Within clients nothing has changed.
    #expect(abs(width(other.resamplings[0]) - width(alike.resamplings[0])) < 1e-9)
    #expect(width(other.resamplings[2]) > 5 * width(alike.resamplings[2]))
  }

  @Test func `what a rule does not look at is not drawn`() throws {
    let made = try table(clients(3))
    #expect(try select(made, "fixed", ["value": 0]).bootstrap?.resamplings.isEmpty == true)
    #expect(try select(made, "fixed", ["value": 0]).text().contains("resampled") == false)
    for rule in ["otsu", "top-ratio"] {
      let bootstrap = try select(made, rule).bootstrap
      #expect(kinds(bootstrap) == ["samples +0"])
      #expect(bootstrap?.present.map { $0.unsure > 0 && $0.unsure < 60 && $0.interval != nil } == true)
    }
    // Each client has a threshold of its own, and an interval.
    let own = try #require(try select(made, "otsu", ["scope": "client"]).bootstrap?.present)
    #expect(own.interval == nil && own.clients.allSatisfy { $0.interval != nil } && own.unsure > 0)
    // A sum has the anchors' scale, so they count even where the threshold is written out.
    let sum = try select(table(clients(3, scorers: 2)), "fixed", ["value": -1]).bootstrap
    #expect(kinds(sum) == ["anchors +0", "anchors +10", "clients +0", "clients +1"])
    #expect(sum?.present.map { $0.unsure > 0 } == true)
    #expect(kinds(try select(table(clients(3, scorers: 2)), "otsu").bootstrap).first == "anchors and samples +0")
  }

  /// In a sum each draw makes the scales of the scorers anew: to multiply one scorer's scores changes nothing.
  @Test(arguments: [false, true]) func `scales are made anew in each draw`(_ calibrated: Bool) throws {
    let made = clients(3, scorers: 2)
    let scaled = made.map { client in
      let change = { (scores: [Double]) in [scores[0] * 1024, scores[1] - 64] }
      return (name: client.name, train: client.train.map(change), anchors: client.anchors.map(change))
    }
    let one = try #require(try select(table(made), "anchor-sigma", calibrated: calibrated).bootstrap)
    let other = try #require(try select(table(scaled), "anchor-sigma", calibrated: calibrated).bootstrap)
    for (mine, theirs) in zip(one.resamplings, other.resamplings) {
      #expect(mine.unsure == theirs.unsure && mine.failed == 0)
      let (a, b) = try (#require(mine.deviations), #require(theirs.deviations))
      #expect(abs(a.lowerBound - b.lowerBound) < 1e-9 && abs(a.upperBound - b.upperBound) < 1e-9)
      #expect(a.lowerBound < a.upperBound)
    }
    // The anchors' own deviation is the unit, so a scale that stands still would be as wide as that of a lone scorer.
    let present = try #require(one.present?.deviations)
    #expect(present.lowerBound < -1 && present.upperBound > -1)
  }

  @Test func `draws that leave too little are counted`() throws {
    // Of two anchors a draw takes the same twice in half of all cases, and anchor-sigma is then the mean itself.
    let two = try table([("a", [[0], [1], [2]], [[1], [3]])])
    #expect(try select(two, "anchor-sigma").bootstrap?.present?.failed == 0)
    let calibrated = try #require(try select(two, "anchor-sigma", calibrated: true).bootstrap?.present)
    #expect(calibrated.failed > 60 && calibrated.failed < 140)
    // With one anchor there is no deviation in any draw, nor any threshold.
    let sum = try table([("a", [[0, 0], [1, 2]], [[1, 3], [2, 1]]), ("b", [[3, 3]], [])])
    let present = try #require(try select(sum, "anchor-mean").bootstrap?.present)
    #expect(present.failed > 60 && present.failed < 140)
  }

  @Test func `no draws are none, and whole clients are not drawn`() throws {
    let none = try select(table(clients(3)), "anchor-sigma", draws: 0)
    #expect(none.bootstrap == nil && none.json.objectValue?["bootstrap"] == .null)
    #expect(!none.text().contains("resampled"))
    let whole = try select(table([("a", [[0]], []), ("b", [[1]], []), ("c", [], [[0.5]])]), "anchor-mean")
    #expect(whole.bootstrap == nil)
  }

  @Test func `it is told in words, as a table, and in the record`() throws {
    let sure = try select(table(clients(3, anchors: 200)), "anchor-sigma")
    #expect(sure.notes.allSatisfy { !$0.text.contains("uncertain") }, "\(sure.notes)")
    // Samples that all lie near the threshold, and six anchors.
    let near = clients(3, anchors: 2, samples: 40).map { client in
      (name: client.name, train: client.train.map { [$0[0] / 4 - 0.5] }, anchors: client.anchors)
    }
    let unsure = try select(table(near), "anchor-sigma")
    let note = try #require(unsure.notes.first { $0.text.contains("the threshold is uncertain") })
    #expect(note.severity == .warning && note.text.contains("10 more anchors of each client would leave"))
    #expect(unsure.notes.count { $0.text.contains("uncertain") } == 1)
    let text = unsure.text()
    #expect(text.contains("anchors, 10 more each") && text.contains("clients, 1 more"))
    for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    let json = try #require(unsure.json.objectValue?["bootstrap"]?.objectValue)
    #expect(json["draws"] == 200 && json["seed"] == 0)
    let first = json["resamplings"]?.arrayValue?.first?.objectValue
    #expect(first?["drawn"] == "anchors" && first?["of"] == 120 && first?["threshold"]?.arrayValue?.count == 2)
  }

  /// Who stops a long bootstrap, and a rule that fails, are heard.
  @Test func `a failure of the rule is a failure`() throws {
    let made = try table(clients(2))
    let calls = Mutex(0)
    let evidence = ThresholdEvidence(
      made, calibrated: made, calibratesClients: false, thresholds: [0, 0],
      decide: { clients in
        let number = calls.withLock { calls in
          calls += 1
          return calls
        }
        guard number < 100 else { throw Failure(.pluginFailed, "it fell over") }
        return clients.map { $0.values.reduce(0, +) }
      })
    let failure = try failure {
      try ThresholdBootstrap(evidence, .init(draws: 200, seed: 0, threads: 2, observer: Unobserved()))
    }
    #expect(failure.kind == .pluginFailed)
  }
}
