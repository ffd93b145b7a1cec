import Diagnostics
import Foundation
import JSON
import PluginHost
import TestSupport
import Testing

@Suite struct CluesTests {
  /// The scores that PyTorch computed by the reference's formula.
  @Test(arguments: ["c0", "c1"])
  func reference(client: String) throws {
    let evidence = try Evidence.tiny(client)
    let outcome = try score("clues", evidence, ["preset": "reference"])
    for (checkpoint, evidence) in zip(outcome.checkpoints, evidence) {
      let golden = try golden("tiny/\(client)/checkpoint-\(evidence.step)/expected_scores.json")
      for (score, expected) in zip(checkpoint, try numbers(golden, "train") + numbers(golden, "anchor")) {
        #expect(abs(try #require(score.value) - expected) <= 1e-4 * abs(expected))
      }
    }
    let golden = try #require(try golden("tiny/expected_scores.json")["scores"]?.objectValue?[client]?.objectValue)
    for (value, expected) in zip(outcome.values, try numbers(golden, "train") + numbers(golden, "anchor")) {
      #expect(abs(try #require(value) - expected) <= 1e-4 * abs(expected))
    }
  }

  /// The whole chain of the paper: scores of both clients, the pooled threshold, the kept samples.
  @Test func referenceSelection() throws {
    let golden = try golden("tiny/expected_scores.json")
    let rule = try builtInCatalog().thresholdRule("anchor-mean")
    let clients = try ["c0", "c1"].map { client in
      let evidence = try Evidence.tiny(client)
      return ThresholdRulePlugin.ClientScores(
        client: client, values: try score("clues", evidence, ["preset": "reference"]).values.map { $0! },
        splits: evidence[0].splits.map { Split(rawValue: $0)! })
    }
    let thresholds = try rule.thresholds(
      for: clients, ParameterValues(schema: rule.about.parameters, of: "anchor-mean"), services: HostServices())
    let expected = try #require(golden["threshold"]?.doubleValue)
    for (client, threshold) in zip(clients, thresholds) {
      #expect(abs(threshold - expected) < 1e-4 * expected)
      let kept = zip(client.values, client.splits).filter { $0.1 == .train }.map { $0.0 >= threshold ? 1.0 : 0 }
      #expect(kept == (try numbers(#require(golden["keep"]?.objectValue), client.client)))
    }
  }

  @Test func calibrated() throws {
    let evidence = try Evidence.tiny("c1")
    let expected = evidence[0].ids.indices.map { sample in
      mean(
        evidence.map {
          $0.tokens[sample] * dot($0.preconditioned(sample, momentum: false), $0.validationMean(1))
        })
    }
    #expect(agree(try score("clues", evidence, ["preset": "calibrated"]).scores, expected, within: 1e-5))
  }

  struct Variant: Sendable {
    let parameters: [String: JSONValue]
    let formula: @Sendable (Evidence, Int) -> Double
    init(_ parameters: [String: JSONValue], _ formula: @escaping @Sendable (Evidence, Int) -> Double) {
      self.parameters = parameters.merging(["preset": "reference"]) { own, _ in own }
      self.formula = formula
    }
  }

  static func sum(_ evidence: Evidence, _ vector: [Double], others: Double = 1) -> Double {
    evidence.domains.indices.reduce(0) {
      $0 + ($1 == evidence.ownDomain ? 1 : others) * dot(vector, evidence.validationMean($1))
    }
  }

  static let variants = [
    Variant(["eps": "outside"]) { $0.learningRate * sum($0, $0.preconditioned($1, outside: true)) },
    Variant(["bias_correction": true]) { $0.learningRate * sum($0, $0.preconditioned($1, corrected: true)) },
    Variant(["eps": "outside", "bias_correction": true, "constants": "file"]) {
      $0.learningRate
        * sum($0, $0.preconditioned($1, outside: true, corrected: true, betas: (0.8, 0.99), epsilon: 1e-5))
    },
    Variant(["momentum": false]) { $0.learningRate * sum($0, $0.preconditioned($1, momentum: false)) },
    Variant(["scoring_weight": 0.25]) { $0.learningRate * sum($0, $0.preconditioned($1), others: 0.25) },
    Variant(["learning_rate": false]) { sum($0, $0.preconditioned($1)) },
    Variant(["aggregate": "sum"]) { 2 * $0.learningRate * sum($0, $0.preconditioned($1)) },
    Variant(["momentum": false, "length": "sum"]) {
      $0.learningRate * $0.tokens[$1] * sum($0, $0.preconditioned($1, momentum: false))
    },
    Variant(["normalize": "sample"]) {
      let vector = $0.preconditioned($1)
      return $0.learningRate * sum($0, vector) / norm(vector)
    },
    Variant(["normalize": "target", "scoring_weight": 0]) { evidence, sample in
      let target = evidence.validationMean(evidence.ownDomain!)
      return evidence.learningRate * dot(evidence.preconditioned(sample), target) / norm(target)
    },
    Variant(["normalize": "cosine"]) { evidence, sample in
      let vector = evidence.preconditioned(sample)
      let targets = evidence.domains.indices.map(evidence.validationMean)
      return evidence.learningRate * targets.reduce(0) { $0 + dot(vector, $1) / norm($1) } / norm(vector)
    },
  ]

  /// Every quirk against its formula; the file's constants are made unlike the reference's first.
  @Test(arguments: variants.indices)
  func quirks(place: Int) throws {
    let variant = Self.variants[place]
    let evidence = try Evidence.tiny("c0").map { evidence in
      var evidence = evidence
      (evidence.betas, evidence.epsilon) = ((0.8, 0.99), 1e-5)
      return evidence
    }
    let expected = evidence[0].ids.indices.map { sample in mean(evidence.map { variant.formula($0, sample) }) }
    let outcome = try score("clues", evidence, variant.parameters)
    #expect(agree(outcome.scores, expected, within: 1e-5), "\(variant.parameters)")
  }

  /// What a ledger can tell is told the same; what it cannot tell is not scored from it.
  @Test(arguments: variants.indices)
  func ledger(place: Int) throws {
    let parameters = Self.variants[place].parameters
    let evidence = try Evidence.tiny("c0")
    let needsGradients = ["eps", "bias_correction", "constants"].contains { parameters[$0] != nil }
    if needsGradients {
      #expect(throws: NotToBeHad.self) { try score("clues", evidence, parameters, from: .ledger) }
    } else {
      let expected = try score("clues", evidence, parameters).values.map { $0! }
      #expect(agree(try score("clues", evidence, parameters, from: .ledger).scores, expected, within: 1e-5))
    }
  }

  @Test func cosineNeedsTheValidationNormsOfALedger() throws {
    let evidence = try Evidence.tiny("c0")
    #expect(throws: NotToBeHad.self) {
      try score("clues", evidence, ["normalize": "cosine"], from: .ledger) { ledger in
        ledger = ledger.filter { !$0.key.hasPrefix("validation_norm") }
      }
    }
  }

  @Test(arguments: [1, 2, 7, 19, 1000])
  func blocks(size: Int) throws {
    let evidence = try Evidence.tiny("c0")
    for parameters: [String: JSONValue] in [["preset": "reference"], ["normalize": "cosine"]] {
      #expect(
        try score("clues", evidence, parameters, block: size).checkpoints
          == score("clues", evidence, parameters, block: 3).checkpoints)
    }
  }

  /// A sample that cannot be scored has a reason, and spoils no other.
  @Test(arguments: [Kind.gradients, .ledger])
  func unscorable(kind: Kind) throws {
    var evidence = try Evidence.tiny("c0")
    let whole = try score("clues", evidence, from: kind)
    evidence[1].tokens[2] = 0
    for tensor in evidence[0].gradients.indices {
      let width = evidence[0].elementCount(tensor)
      for element in 0..<width { evidence[0].gradients[tensor][4 * width + element] = 0 }
    }
    evidence[0].gradients[0][5 * evidence[0].elementCount(0)] = .nan
    let outcome = try score("clues", evidence, from: kind)
    #expect(outcome.scores[2] == .unscored("its loss covers no tokens at checkpoint 8"))
    #expect(outcome.scores[4] == .unscored("its gradient is zero at checkpoint 4"))
    let reason = kind == .gradients ? "its gradient is not finite" : "it has no gradient_norm"
    #expect(outcome.scores[5] == .unscored("\(reason) at checkpoint 4"))
    for sample in outcome.scores.indices where ![2, 4, 5].contains(sample) {
      #expect(outcome.scores[sample] == whole.scores[sample])
    }
  }

  @Test func inertPreconditioningIsSaid() throws {
    var evidence = try Evidence.tiny("c0")
    for place in evidence.indices {
      evidence[place].second = evidence[place].second.map { $0.map { _ in 1e-12 } }
    }
    let log = try score("clues", evidence).log
    #expect(log.count == 1)
    #expect(log[0].hasPrefix("preconditioning is nearly inert for client 'c0' at checkpoint 4: 100 %"))
    for place in evidence.indices {
      evidence[place].second = evidence[place].second.map { $0.map { _ in 1e-4 } }
    }
    #expect(try score("clues", evidence).log.isEmpty)
  }

  @Test func refusals() throws {
    var evidence = try Evidence.tiny("c0")
    expectFailure(.badRecipe, "length: sum requires momentum: false") {
      try score("clues", evidence, ["preset": "calibrated", "momentum": true])
    }
    for place in evidence.indices { evidence[place].ownDomain = nil }
    let failure = #expect(throws: Failure.self) { try score("clues", evidence, ["preset": "calibrated"]) }
    #expect(failure?.message.contains("client 'c0' has no validation set of its own domain, only c0, c1") == true)
    #expect(throws: Never.self) { try score("clues", evidence) }
  }

  private func golden(_ path: String) throws -> JSONObject {
    let text = try String(contentsOfFile: fixture(path), encoding: .utf8)
    return try #require(try JSONReader().read(text).objectValue)
  }

  private func numbers(_ object: JSONObject, _ key: String) throws -> [Double] {
    try #require(object[key]?.arrayValue).map { try #require($0.doubleValue) }
  }
}
