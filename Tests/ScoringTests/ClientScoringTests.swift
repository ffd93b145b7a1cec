import Foundation
import TestSupport
import Testing

@testable import Runs

/// Scores of whole clients by their adapters.
@Suite struct ClientScoringTests {
  private func scores(_ clients: [MadeClient]) throws -> [String: Double] {
    try withTemporaryFolder { folder in
      let recipe = try TestMerge(
        inputs: write(clients, below: folder),
        settings: [("score.scorer", "trajectory"), ("score.parameters.steps", "last")]
      ).recipe
      let scored = try Bench(catalog: builtInCatalog(), threads: 2).score(recipe)
      return try Dictionary(
        uniqueKeysWithValues: scored.table.rows.map { ($0.client, try #require($0.score.value)) })
    }
  }

  @Test func `neither a larger alpha nor noise of any length wins`() throws {
    let honest = (1...3).map { MadeClient(name: "c\($0)", seed: UInt64($0), common: 0.7) }
    let noise = MadeClient(name: "noise", seed: 9, isStranger: true)
    let plain = try scores(honest + [noise])
    #expect(plain.min { $0.value < $1.value }?.key == "noise")
    for index in 0..<4 {
      var clients = honest + [noise]
      clients[index].alpha *= 20
      let scaled = try scores(clients)
      for (name, score) in plain { #expect(abs(try #require(scaled[name]) - score) < 1e-6) }
    }
  }
}
