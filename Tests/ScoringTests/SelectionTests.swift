import Diagnostics
import Foundation
import PluginHost
import TestSupport
import Testing

@testable import Runs
@testable import Scoring

@Suite struct SelectionTests {
  /// A table of made-up scores: of each client, training scores and anchors.
  private func table(_ clients: [(name: String, train: [Double?], anchors: [Double])]) -> ScoreTable {
    let rows = clients.flatMap { client in
      client.train.enumerated().map { index, score in
        row(client.name, "train", index, score.map { .value($0) } ?? .unscored("lost"))
      } + client.anchors.enumerated().map { row(client.name, "anchor", $0, .value($1)) }
    }
    return ScoreTable(rows: rows, scorers: [])
  }

  private func row(_ client: String, _ split: String, _ index: Int, _ score: Score) -> ScoreTable.Row {
    .init(
      client: client, split: split, id: "\(split)-\(index)", domain: nil, score: score, checkpoints: [], parts: [])
  }

  private func select(
    _ table: ScoreTable, _ rule: String, calibrated: Bool = false
  ) throws -> SampleSelection {
    try Bench(catalog: builtInCatalog(), threads: 1).select(
      table, rule: rule, parameters: [:], calibratesClients: calibrated)
  }

  @Test func `the threshold itself is kept`() throws {
    let selection = try select(table([("a", [1, 2, 3], [1, 3])]), "anchor-mean")
    #expect(selection.globalThreshold == 2)
    #expect(selection.keptIds(of: "a") == "train-1\ntrain-2\n")
    #expect(selection.clients[0].excess == 1)
    #expect(selection.table.rows.map(\.kept) == [false, true, true, nil, nil])
  }

  @Test func `an unscored sample is not kept, and counted`() throws {
    let selection = try select(table([("a", [nil, 5], [1, 3])]), "anchor-mean")
    #expect(selection.clients[0].kept == 1)
    #expect(selection.clients[0].unscored == 1)
    #expect(selection.clients[0].keptShare == 0.5)
    #expect(selection.notes.contains { $0.text.contains("1 samples of client 'a' are unscored") })
  }

  @Test func `a client of which nothing is kept is named`() throws {
    let selection = try select(table([("a", [5], [1, 3]), ("b", [-5], [1, 3])]), "anchor-mean")
    #expect(selection.notes.contains(.warning("no samples of client 'b' are kept, so it drops out")))
  }

  @Test func `calibration cancels a client's offset and scale`() throws {
    let train: [Double] = [0, 1, 2, 3]
    let (scale, offset) = (7.0, -100.0)
    let selection = try select(
      table([
        ("a", train, [1, 2, 3]), ("b", train.map { $0 * scale + offset }, [1, 2, 3].map { $0 * scale + offset }),
      ]), "anchor-mean", calibrated: true)
    #expect(selection.keptIds(of: "a") == selection.keptIds(of: "b"))
    #expect(selection.clients.map(\.kept) == [2, 2])
  }

  @Test func `a sum weighs standardised scores`() throws {
    let one = table([("a", [10, 20], [10, 20, 30])])
    let two = table([("a", [1, 0], [0, 1, 2])])
    func named(_ table: ScoreTable, _ id: String, _ weight: Double) -> ScoreTable {
      ScoreTable(
        rows: table.rows, scorers: [.init(id: id, name: id, version: "1", parameters: [:], weight: weight)])
    }
    let sum = try ScoreTable.together([named(one, "x", 1), named(two, "y", 2)], .sum).standardised()
    // Means 20 and 1, deviations 10 and 1: (10−20)/10 + 2·(1−1)/1 and (20−20)/10 + 2·(0−1)/1.
    #expect(sum.rows.prefix(2).map(\.score) == [.value(-1), .value(-2)])
    #expect(sum.rows[0].parts.map(\.scorer) == ["x", "y"])
  }

  @Test func `the area under the curve counts ties half`() {
    #expect(areaUnderCurve([3, 2], [1, 0]) == 1)
    #expect(areaUnderCurve([1, 0], [3, 2]) == 0)
    #expect(areaUnderCurve([1, 1], [1]) == 0.5)
    #expect(areaUnderCurve([1, 3], [2, 1]) == (0.5 + 2) / 4)
    #expect(areaUnderCurve([], [1]).isNaN)
  }
}
