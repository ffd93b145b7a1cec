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

  /// Updates of a: (1,0,0), (1,2,0); of b at the same steps: (0,3,0), (1,0,0).
  @Test func sharedSteps() throws {
    let reason = Score.unscored("it shares no checkpoint step with 'a'; steps: last would compare the last adapters")
    let scores = try score(anchors: [true, false, false])
    #expect(scores[0] == .unscored("it is the only client trained on anchor data"))
    #expect(abs(scores[1].value! - (0 + 1 / 5.0.squareRoot()) / 2) < 1e-12)
    #expect(scores[2] == reason)
    #expect(try score(["compare": "inner-product"], anchors: [true, false, false])[1] == .value(1))
  }

  @Test func lastAdapters() throws {
    let scores = try score(["steps": "last"], anchors: [true, true, false])
    let cosine = 8 / (8.0.squareRoot() * 10.0.squareRoot())
    #expect(abs(scores[0].value! - cosine) < 1e-12)
    #expect(abs(scores[1].value! - cosine) < 1e-12)
    #expect(scores[2] == .value(0))
  }

  /// Without anchors, the mean of the others: of the last adapters of b and c that is (0.5, 1.5, 0.5).
  @Test func othersStandInForAnchors() throws {
    let scores = try score(["steps": "last"], anchors: [false, false, false])
    #expect(abs(scores[0].value! - 4 / (8.0.squareRoot() * 2.75.squareRoot())) < 1e-12)
    let product = try score(["steps": "last", "compare": "inner-product"], anchors: [false, false, false])
    #expect(product[0] == .value(4))
    #expect(
      try score(anchors: [false, false, false])[0]
        == .unscored("it shares no checkpoint step with 'b', 'c'; steps: last would compare the last adapters"))
  }
}
