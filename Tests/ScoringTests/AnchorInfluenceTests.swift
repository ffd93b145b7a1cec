import Diagnostics
import Foundation
import JSON
import PluginHost
import Recipes
import TestSupport
import Testing

@testable import Runs
@testable import Scoring
@testable import clues

/// No client moves the threshold of all others far without anybody being told.
@Suite struct AnchorInfluenceTests {
  /// A table of made-up scores of one scorer or several: of each client, training scores and anchors.
  private func table(
    _ clients: [(name: String, train: [[Double]], anchors: [[Double]])], _ combination: Recipe.Combination = .sum
  ) throws -> ScoreTable {
    func one(_ index: Int) -> ScoreTable {
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
        rows: rows, scorers: [.init(id: "s\(index)", name: "s\(index)", version: "1", parameters: [:], weight: 1)])
    }
    let count = clients.first?.anchors.first?.count ?? clients.first?.train.first?.count ?? 1
    return try ScoreTable.together((0..<count).map(one), count > 1 ? combination : nil).standardised()
  }

  private func select(
    _ table: ScoreTable, _ rule: String, _ parameters: [String: JSONValue] = [:], calibrated: Bool = false
  ) throws -> SampleSelection {
    try Bench(catalog: builtInCatalog(), threads: 1).select(
      table, rule: rule, parameters: parameters, calibratesClients: calibrated)
  }

  private func warnings(_ selection: SampleSelection, of client: String) -> [String] {
    selection.notes.filter { $0.severity == .warning && $0.text.contains("the anchors of client '\(client)'") }.map(
      \.text)
  }

  @Test func `the threshold is told with and without a client's anchors`() throws {
    let selection = try select(
      table([
        ("a", [[0], [5]], [[1], [3]]), ("b", [[1], [2.5]], [[2], [4]]), ("c", [[3]], [[14]]),
      ]), "anchor-mean")
    #expect(selection.globalThreshold == 4.8)
    let c = try #require(selection.clients[2].influence)
    // Without c the anchors are 1, 3, 2, 4: mean 2.5, variance 5/3.
    #expect(c.threshold == 2.5)
    #expect(abs((c.deviations ?? 0) - 2.3 / (5.0 / 3).squareRoot()) < 1e-12)
    // Of 0, 5, 1 and 2.5 the last passes without c's anchors only.
    #expect(c.decisions == 1 && c.others == 4)
    #expect(c.isFar && !c.isAlone)
    let note = try #require(warnings(selection, of: "c").first)
    #expect(note.contains("move the threshold by +1.782 deviations of the other clients' anchors"), "\(note)")
    #expect(note.contains("change the decision on 1 of the other clients' 4 samples"))
    #expect(selection.text().contains("moves threshold") && selection.text().contains("1.782 σ"))
    let json = selection.json.objectValue?["clients"]?.arrayValue?[2].objectValue?["influence"]?.objectValue
    #expect(json?["threshold_without"] == 2.5 && json?["decisions"] == 1 && json?["of"] == 4)
  }

  @Test func `clients whose anchors agree move nothing far`() throws {
    let selection = try select(
      table(
        ["a", "b", "c"].enumerated().map { index, name in
          (name, (0..<40).map { [Double($0) / 10] }, (0..<10).map { [2 + Double($0) / 10 + Double(index) / 50] })
        }), "anchor-sigma")
    #expect(selection.clients.allSatisfy { $0.influence.map { !$0.isFar && abs($0.deviations ?? 9) < 0.2 } ?? false })
    #expect(selection.notes.allSatisfy { $0.severity == .info }, "\(selection.notes)")
  }

  /// Finite and within every range, and yet the end of the selection for everybody.
  @Test(arguments: ["anchor-mean", "anchor-sigma", "anchor-quantile"], [1e3, -1e3, 1e15, -1e15, 1e90, -1e90])
  func `one client with huge anchors is named`(_ rule: String, _ size: Double) throws {
    let honest = ["a", "b"].map { name in
      (name: name, train: (0..<20).map { [Double($0)] }, anchors: (0..<10).map { [10 + Double($0 % 3)] })
    }
    let hostile = (name: "mallory", train: [[5.0]], anchors: (0..<20).map { [size * (1 + Double($0) / 100)] })
    let selection = try select(table(honest + [hostile]), rule)
    #expect(!warnings(selection, of: "mallory").isEmpty, "\(selection.notes)")
  }

  /// Huge anchors widen the scale of one scorer until it counts for nothing.
  @Test(arguments: Recipe.Combination.allCases)
  func `who silences one of two scorers is named`(_ combination: Recipe.Combination) throws {
    func samples(_ count: Int, _ seed: Int) -> [[Double]] {
      (0..<count).map { [Double(($0 * 7 + seed) % 11), Double(($0 * 5 + seed) % 13)] }
    }
    let honest = ["a", "b", "c"].enumerated().map { (name: $1, train: samples(40, $0), anchors: samples(10, $0 + 3)) }
    let sound = try select(table(honest, combination), "anchor-sigma")
    #expect(sound.clients.allSatisfy { warnings(sound, of: $0.client).isEmpty }, "\(sound.notes)")
    let wide = (0..<10).map { [($0 % 2 == 0 ? 1e9 : -1e9), Double($0)] }
    let selection = try select(
      table(honest + [(name: "mallory", train: samples(5, 1), anchors: wide)], combination), "anchor-sigma")
    #expect(
      warnings(selection, of: "mallory").contains { $0.contains("stretch the scale of s0 ") }, "\(selection.notes)")
    #expect(warnings(selection, of: "a").isEmpty)
    let stretch = try #require(selection.clients.first { $0.client == "mallory" }?.influence?.stretch)
    #expect(stretch.scorer == "s0" && stretch.factor > 1e7)
  }

  @Test func `a client whose anchors are the only ones is named`() throws {
    let selection = try select(table([("a", [[0]], [[1], [3]]), ("b", [[1]], [])]), "anchor-mean")
    #expect(
      warnings(selection, of: "a") == [
        "only the anchors of client 'a' set the threshold of all clients: without them there is none"
      ])
    // A rule that goes by no anchors is moved by none.
    let best = try select(table([("a", [[0]], [[1], [3]]), ("b", [[1]], [])]), "top-ratio")
    #expect(best.clients.allSatisfy { warnings(best, of: $0.client).isEmpty }, "\(best.notes)")
    #expect(!best.text().contains("moves threshold"))
    let alone = try select(table([("a", [[0]], [[1], [3]])]), "anchor-mean")
    #expect(alone.clients[0].influence == nil)
  }

  /// Of clients that are scored whole, one that was trained on anchors is what it takes.
  @Test func `one anchor among whole clients is as it should be`() throws {
    let selection = try select(table([("a", [[0]], []), ("b", [[1]], []), ("c", [], [[0.5]])]), "anchor-mean")
    #expect(selection.clients.allSatisfy { $0.influence == nil && warnings(selection, of: $0.client).isEmpty })
  }

  @Test func `calibrated clients move each other by their calibrated anchors`() throws {
    let scores = (0..<20).map { [Double($0)] }
    let selection = try select(
      table([
        ("a", scores, [[1], [2], [3]]), ("b", scores.map { [$0[0] * 1e6] }, [[1e6], [2e6], [3e6]]),
      ]), "anchor-sigma", calibrated: true)
    #expect(selection.clients.allSatisfy { warnings(selection, of: $0.client).isEmpty }, "\(selection.notes)")
  }

  /// What the others' anchors do to a client whose shortfalls are on its own scale goes through the threshold alone.
  @Test func `calibrated shortfalls are moved by the threshold alone`() throws {
    func samples(_ count: Int, _ seed: Int) -> [[Double]] {
      (0..<count).map { [Double(($0 * 7 + seed) % 11), Double(($0 * 5 + seed) % 13)] }
    }
    let honest = ["a", "b"].enumerated().map { (name: $1, train: samples(40, $0), anchors: samples(10, $0 + 3)) }
    let wide = (0..<10).map { [($0 % 2 == 0 ? 1e9 : -1e9), Double($0)] }
    let selection = try select(
      table(honest + [(name: "mallory", train: samples(5, 1), anchors: wide)], .shortfall), "anchor-sigma",
      calibrated: true)
    let alone = try select(table(honest, .shortfall), "anchor-sigma", calibrated: true)
    let mallory = try #require(selection.clients.first { $0.client == "mallory" }?.influence)
    #expect(mallory.threshold == alone.globalThreshold && mallory.stretch == nil)
    #expect(warnings(selection, of: "mallory").isEmpty, "\(selection.notes)")
  }

  @Test func `a score that no deviation can be taken of is refused by name`() throws {
    let failure = try failure { try table([("a", [[0]], [[1], [2e101]]), ("b", [[1]], [[1]])]).checked() }
    #expect(failure.kind == .badData && failure.client == "a")
    #expect(failure.message == "the score by s0 of the anchor sample 'anchor-1' is 2e+101, beyond 1e+100")
  }

  @Test(arguments: [
    #""score": 1e200"#, #""score": -1e101"#, #""score": 1, "checkpoints": {"4": 1e300}"#,
    #""score": 1, "scores": {"clues": 1e101}"#,
  ]) func `a file with such a score is refused with the line`(_ members: String) throws {
    try withTemporaryFolder { folder in
      let path = folder.path + "/scores.jsonl"
      let text = #"{"client": "a", "split": "anchor", "id": "x", "score": 1}"# + "\n"
      try (text + #"{"client": "b", "split": "anchor", "id": "y", \#(members)}"#).write(
        toFile: path, atomically: true, encoding: .utf8)
      let failure = try failure { try ScoreTable(path: path) }
      #expect(failure.kind == .badData && failure.client == "b" && failure.position?.line == 2, "\(failure)")
      #expect(failure.message.contains("of the anchor sample 'y' is"), "\(failure)")
      #expect(failure.file == path)
    }
  }

  @Test func `anchors without a score are told`() throws {
    let rows = [Score.value(1), .value(2), .unscored("lost")].enumerated().map { index, score in
      ScoreTable.Row(
        client: "a", split: "anchor", id: "\(index)", domain: nil, score: score, checkpoints: [], parts: [])
    }
    let selection = try select(ScoreTable(rows: rows, scorers: []), "anchor-mean")
    #expect(selection.notes.contains { $0.text.hasPrefix("1 anchors of client 'a' are unscored") })
  }

  /// The rule runs once more for every client, to see what its anchors do; only the decision itself is told of.
  @Test func `what a rule says of its decision is a note, once`() throws {
    let good = (0..<15).map { Double($0 % 7) / 3 - 1 }
    let clients = ["a", "b", "c"].map { name in
      (name: name, train: (good + good.map { $0 - 6 }).map { [$0] }, anchors: good.map { [$0] })
    }
    let selection = try select(table(clients), "anchor-mixture")
    let told = selection.notes.filter { $0.text.hasPrefix("anchor-mixture: ") }
    #expect(told.count == 1 && told[0].severity == .info, "\(selection.notes)")
    #expect(told[0].text.contains("% of the 90 training samples are good (standard error "))
    #expect(selection.json.objectValue?["remarks"]?.arrayValue == [.string(told[0].text)])
    #expect(selection.clients.map(\.kept) == [15, 15, 15])
    let short = try select(table(clients), "anchor-mixture", ["minimum_anchors": 100])
    #expect(
      short.notes.first
        == .warning(
          "anchor-mixture: there are 45 anchors, fewer than 100, so the share of good samples is not estimated, and the "
            + "threshold is that of anchor-sigma with k = 1.5"))
  }
}
