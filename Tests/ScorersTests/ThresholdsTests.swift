import Diagnostics
import JSON
import PluginHost
import TestSupport
import Testing

@Suite struct ThresholdsTests {
  typealias Client = ThresholdRulePlugin.ClientScores

  func client(_ name: String, train: [Double], anchors: [Double] = []) -> Client {
    Client(
      client: name, values: train + anchors,
      splits: train.map { _ in Split.train } + anchors.map { _ in Split.anchor })
  }

  func thresholds(_ id: String, _ parameters: [String: JSONValue] = [:], _ clients: [Client]) throws -> [Double] {
    let rule = try builtInCatalog().thresholdRule(id)
    let values = try ParameterValues(parameters, schema: rule.about.parameters, of: id)
    return try rule.thresholds(for: clients, values, services: HostServices())
  }

  var clients: [Client] {
    [
      client("a", train: [1, 2, 3, 10, 11], anchors: [2, 4, 9]),
      client("b", train: [0, 0.5, 20], anchors: [5]),
    ]
  }

  struct Case: Sendable {
    let rule: String
    let parameters: [String: JSONValue]
    let expected: [Double]
  }

  /// The anchors are 2, 4, 9, 5: mean 5, deviation √(26/3); the training samples 0, 0.5, 1, 2, 3, 10, 11, 20.
  static let cases = [
    Case(rule: "anchor-mean", parameters: [:], expected: [5, 5]),
    Case(
      rule: "anchor-sigma", parameters: [:],
      expected: [5 - (26.0 / 3).squareRoot(), 5 - (26.0 / 3).squareRoot()]),
    Case(
      rule: "anchor-sigma", parameters: ["k": -2],
      expected: [5 + 2 * (26.0 / 3).squareRoot(), 5 + 2 * (26.0 / 3).squareRoot()]),
    Case(rule: "anchor-quantile", parameters: [:], expected: [3.5, 3.5]),
    Case(rule: "anchor-quantile", parameters: ["q": 0], expected: [2, 2]),
    Case(rule: "anchor-quantile", parameters: ["q": 1], expected: [9, 9]),
    Case(rule: "fixed", parameters: ["value": 1.25], expected: [1.25, 1.25]),
    Case(rule: "top-ratio", parameters: ["ratio": 0.5], expected: [3, 3]),
    Case(rule: "top-ratio", parameters: ["ratio": 0.5, "scope": "client"], expected: [3, 0.5]),
    Case(rule: "top-ratio", parameters: ["ratio": 0.01, "scope": "client"], expected: [11, 20]),
    Case(rule: "top-ratio", parameters: ["ratio": 1], expected: [0, 0]),
    Case(rule: "otsu", parameters: [:], expected: [6.5, 6.5]),
    Case(rule: "otsu", parameters: ["scope": "client"], expected: [6.5, 10.25]),
  ]

  @Test(arguments: cases.indices)
  func byHand(place: Int) throws {
    let one = Self.cases[place]
    for (threshold, expected) in zip(try thresholds(one.rule, one.parameters, clients), one.expected) {
      #expect(abs(threshold - expected) < 1e-12, "\(one)")
    }
  }

  @Test(arguments: ["anchor-mean", "anchor-sigma", "anchor-quantile"])
  func withoutAnchors(rule: String) {
    let failure = #expect(throws: Failure.self) { try thresholds(rule, [client("a", train: [1, 2])]) }
    #expect(failure?.message.contains("there are none") == true)
  }

  @Test func oneAnchor() throws {
    let clients = [client("a", train: [1, 2], anchors: [7])]
    #expect(try thresholds("anchor-mean", clients) == [7])
    let failure = #expect(throws: Failure.self) { try thresholds("anchor-sigma", clients) }
    #expect(failure?.message.contains("at least 2 anchor samples with a score, and there is 1") == true)
  }

  @Test func refusals() {
    let same = [client("a", train: [3, 3, 3]), client("b", train: [])]
    expectFailure(.badData, "fewer than two different scores") { try thresholds("otsu", same) }
    expectFailure(.badData, "has no training sample with a score") {
      try thresholds("top-ratio", ["scope": "client"], same)
    }
    expectFailure(.badRecipe, "a ratio of 0 keeps nothing") { try thresholds("top-ratio", ["ratio": 0], same) }
    expectFailure(.badRecipe, "fixed needs the parameter 'value'") { try thresholds("fixed", same) }
  }
}

extension ThresholdsTests {
  func thresholds(_ id: String, _ clients: [Client]) throws -> [Double] { try thresholds(id, [:], clients) }
}
