import Diagnostics
import JSON
import PluginHost
import TestSupport
import Testing

@Suite struct TrajectoryTests {
  /// Adapters as vectors, by client and step.
  let adapters: [(client: Int, step: Int, delta: [Double])] = [
    (0, 10, [1, 0, 0]), (0, 20, [2, 2, 0]),
    (1, 10, [0, 3, 0]), (1, 15, [9, 9, 9]), (1, 20, [1, 3, 0]),
    (2, 7, [0, 0, 1]),
  ]

  func score(_ parameters: [String: JSONValue] = [:], anchors: [Bool]) throws -> [Score] {
    let plugin = try builtInCatalog().scorer("trajectory")
    #expect(plugin.scoresClients)
    let values = try ParameterValues(parameters, schema: plugin.about.parameters, of: "trajectory")
    return try plugin.makeInstance(values, services: HostServices()).score(
      ScoringCollection(
        clients: ["a", "b", "c"], anchors: anchors, owners: adapters.map(\.client), steps: adapters.map(\.step),
        innerProducts: adapters.flatMap { one in adapters.map { dot(one.delta, $0.delta) } }))
  }

  /// Scores of clients that go the same way, but for one that is noise; each as long as its factor says.
  private func scores(
    _ factors: [Double], anchors: [Bool]? = nil, _ parameters: [String: JSONValue] = [:]
  ) throws -> [Double] {
    let directions: [[[Double]]] = [
      [[1, 0.2, 0, 0], [1, 1, 0.1, 0]], [[1, 0, 0.3, 0], [1.2, 0.8, 0, 0]], [[0.9, 0, 0, 0.2], [1, 0.9, 0, 0.3]],
      // Noise: across to the others, a little with them at first.
      [[0.05, 0, 1, -1], [0.05, -0.1, 2, 1]],
    ]
    let adapters = directions.enumerated().flatMap { client, steps in
      steps.enumerated().map { (client, $0, $1.map { $0 * factors[client] }) }
    }
    let plugin = try builtInCatalog().scorer("trajectory")
    let values = try ParameterValues(parameters, schema: plugin.about.parameters, of: "trajectory")
    return try plugin.makeInstance(values, services: HostServices()).score(
      ScoringCollection(
        clients: ["a", "b", "c", "noise"], anchors: anchors ?? [false, false, false, false],
        owners: adapters.map(\.0), steps: adapters.map(\.1),
        innerProducts: adapters.flatMap { one in adapters.map { dot(one.2, $0.2) } })
    ).map { try #require($0.value) }
  }

  @Test(arguments: ["cosine", "weighted-cosine"], [false, true])
  func lengthWinsNothing(_ compare: String, _ hasAnchors: Bool) throws {
    let anchors = hasAnchors ? [true, true, false, false] : nil
    func scores(_ factors: [Double]) throws -> [Double] {
      try self.scores(factors, anchors: anchors, ["compare": .string(compare)])
    }
    let plain = try scores([1, 1, 1, 1])
    #expect(plain.prefix(3).allSatisfy { $0 > 0.8 } && plain[3] < 0.2)
    for factors in [[20, 1, 1, 1], [1, 1, 1, 20], [1, 1e-3, 1, 1e6], [0.05, 1, 20, 400]] {
      for (score, due) in zip(try scores(factors), plain) { #expect(abs(score - due) < 1e-9) }
    }
  }

  @Test func innerProductsAreNoLongerAChoice() throws {
    let failure = try failure { try scores([1, 1, 1, 1], ["compare": "inner-product"]) }
    #expect(failure.message.contains("compare"))
  }

  /// Updates of a: (1,0,0), (1,2,0); of b at the same steps: (0,3,0), (1,0,0).
  @Test func sharedSteps() throws {
    let reason = Score.unscored("it shares no checkpoint step with 'a'; steps: last would compare the last adapters")
    let scores = try score(anchors: [true, false, false])
    #expect(scores[0] == .unscored("it is the only client trained on anchor data"))
    #expect(abs(scores[1].value! - (0 + 1 / 5.0.squareRoot()) / 2) < 1e-12)
    #expect(scores[2] == reason)
    // ⟨(0,3,0), (1,0,0)⟩ + ⟨(1,0,0), (1,2,0)⟩ = 1, over √(10·6): the long first step counts for more.
    let weighted = try score(["compare": "weighted-cosine"], anchors: [true, false, false])[1]
    #expect(abs(weighted.value! - 1 / 60.0.squareRoot()) < 1e-12)
  }

  @Test func lastAdapters() throws {
    let scores = try score(["steps": "last"], anchors: [true, true, false])
    let cosine = 8 / (8.0.squareRoot() * 10.0.squareRoot())
    #expect(abs(scores[0].value! - cosine) < 1e-12)
    #expect(abs(scores[1].value! - cosine) < 1e-12)
    #expect(scores[2] == .value(0))
  }

  /// Without anchors, the mean of the others' directions: of the last adapters of b and c, (1,3,0)/√10 and (0,0,1).
  @Test func othersStandInForAnchors() throws {
    let due = 8 / 10.0.squareRoot() / (8.0.squareRoot() * 2.0.squareRoot())
    for compare in ["cosine", "weighted-cosine"] {
      let scores = try score(["steps": "last", "compare": .string(compare)], anchors: [false, false, false])
      #expect(abs(scores[0].value! - due) < 1e-12)
    }
    #expect(
      try score(anchors: [false, false, false])[0]
        == .unscored("it shares no checkpoint step with 'b', 'c'; steps: last would compare the last adapters"))
  }
}
