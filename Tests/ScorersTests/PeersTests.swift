import Diagnostics
import Foundation
import JSON
import PluginHost
import TestSupport
import Testing

/// The other scorers of samples, each against its formula.
@Suite struct PeersTests {
  @Test(arguments: [0.0, 1.0])
  func tracIn(others: Double) throws {
    let evidence = try Evidence.tiny("c1")
    let expected = evidence[0].ids.indices.map { sample in
      evidence.reduce(0) { sum, evidence in
        sum + evidence.learningRate
          * (dot(evidence.gradient(sample), evidence.validationMean(1))
            + others * dot(evidence.gradient(sample), evidence.validationMean(0)))
      }
    }
    for kind in [Kind.gradients, .ledger] {
      let outcome = try score("tracin", evidence, ["scoring_weight": .number(others)], from: kind)
      #expect(agree(outcome.scores, expected, within: 1e-6))
    }
  }

  @Test(arguments: ["own", "all"], ["samples", "mean"])
  func less(domains: String, target: String) throws {
    let evidence = try Evidence.tiny("c0")
    let total = evidence.reduce(0) { $0 + $1.learningRate }
    let expected = evidence[0].ids.indices.map { sample in
      (domains == "own" ? [0] : [0, 1]).map { domain in
        evidence.reduce(0.0) { sum, evidence in
          let vector = evidence.preconditioned(sample)
          let targets =
            target == "mean"
            ? [evidence.validationMean(domain)]
            : (0..<evidence.validationCounts[domain]).map { evidence.validationGradient($0, of: domain) }
          let cosines = targets.map { dot(vector, $0) / norm(vector) / norm($0) }
          return sum + evidence.learningRate / total * mean(cosines)
        }
      }.max()!
    }
    let parameters: [String: JSONValue] = ["domains": .string(domains), "target": .string(target)]
    #expect(agree(try score("less", evidence, parameters).scores, expected, within: 1e-5))
    if target == "mean" {
      #expect(agree(try score("less", evidence, parameters, from: .ledger).scores, expected, within: 1e-5))
    } else {
      #expect(throws: NotToBeHad.self) { try score("less", evidence, parameters, from: .ledger) }
    }
  }

  /// Cosines of projections scatter around the exact ones by about 1/√k, and more dimensions come closer.
  @Test(arguments: ["samples", "mean"])
  func projection(target: String) throws {
    let evidence = try Evidence.tiny("c0")
    let exact = try score("less", evidence, ["target": .string(target)]).values.map { $0! }
    func error(_ dimension: Int, seed: Int) throws -> Double {
      let parameters: [String: JSONValue] = [
        "target": .string(target), "projection": JSONValue(dimension), "seed": JSONValue(seed),
      ]
      let values = try score("less", evidence, parameters).values.map { $0! }
      return mean(zip(values, exact).map { ($0 - $1) * ($0 - $1) }).squareRoot()
    }
    let coarse = try mean((1...5).map { try error(64, seed: $0) })
    let fine = try mean((1...5).map { try error(4096, seed: $0) })
    #expect(coarse > 0.01 && coarse < 3 / 8)
    #expect(fine < 3 / 64)
    #expect(
      try score("less", evidence, ["projection": 64], block: 1).scores
        == score("less", evidence, ["projection": 64], block: 19).scores)
  }

  @Test(arguments: [1, 4, 19])
  func dataInf(block: Int) throws {
    let evidence = try Evidence.tiny("c0")
    let last = evidence[1]
    let train = last.ids.indices.filter { last.splits[$0] == 0 }
    var expected = [Double](repeating: 0, count: last.ids.count)
    var start = 0
    for tensor in last.tensorNames.indices {
      let width = last.elementCount(tensor)
      let range = start..<start + width
      start += width
      let target = Array(last.validationMean(0)[range])
      let rows = last.ids.indices.map { Array(last.gradient($0)[range]) }
      let lambda = 0.1 * mean(train.map { dot(rows[$0], rows[$0]) / Double(width) })
      let direction = mean(
        train.map { sample -> [Double] in
          let factor = dot(target, rows[sample]) / (lambda + dot(rows[sample], rows[sample]))
          return zip(target, rows[sample]).map { ($0 - factor * $1) / lambda }
        })
      for sample in last.ids.indices { expected[sample] += dot(direction, rows[sample]) }
    }
    #expect(agree(try score("datainf", evidence, block: block).scores, expected, within: 1e-5))
    #expect(throws: NotToBeHad.self) { try score("datainf", evidence, from: .ledger) }
  }

  /// A training sample without a gradient takes no part in the averages.
  @Test func dataInfLeavesOutWhatCannotBeScored() throws {
    var broken = try Evidence(tiny: "c0", step: 8)
    var without = broken
    for tensor in broken.gradients.indices {
      let width = broken.elementCount(tensor)
      without.gradients[tensor].removeFirst(width)
      for element in 0..<width { broken.gradients[tensor][element] = .nan }
    }
    without.ids.removeFirst()
    without.splits.removeFirst()
    without.tokens.removeFirst()
    without.losses.removeFirst()
    let outcome = try score("datainf", [broken])
    #expect(outcome.scores[0] == .unscored("its gradient is not finite at checkpoint 8"))
    #expect(Array(outcome.scores.dropFirst()) == (try score("datainf", [without]).scores))
  }

  @Test func graNd() throws {
    let evidence = try Evidence.tiny("c0")
    let expected = evidence[0].ids.indices.map { sample in mean(evidence.map { norm($0.gradient(sample)) }) }
    for kind in [Kind.gradients, .ledger] {
      #expect(agree(try score("grand", evidence, from: kind).scores, expected.map { -$0 }, within: 1e-6))
      #expect(agree(try score("grand", evidence, ["keep": "high"], from: kind).scores, expected, within: 1e-6))
    }
  }

  @Test func loss() throws {
    let evidence = try Evidence.tiny("c0")
    let expected = evidence[0].ids.indices.map { sample in -mean(evidence.map { $0.losses[sample] }) }
    for kind in [Kind.gradients, .ledger] {
      #expect(agree(try score("loss", evidence, from: kind).scores, expected, within: 1e-12))
    }
  }

  @Test func lossesOfTheBaseModel() throws {
    let evidence = [try Evidence(tiny: "c0", step: 8)]
    let count = evidence[0].ids.count
    let with = (0..<count).map { 2 + 0.1 * Double($0) }
    let without = (0..<count).map { 3 + 0.05 * Double($0) }
    func run(_ id: String, _ parameters: [String: JSONValue] = [:]) throws -> [Score] {
      try score(id, evidence, parameters, from: .ledger) { ledger in
        ledger["base_loss"] = with
        ledger["base_loss_without_prompt"] = without
        ledger["base_loss"]![3] = .nan
      }.scores
    }
    let reason = Score.unscored("it has no base_loss at checkpoint 8")
    for (scores, expected) in [
      (try run("perplexity"), with.map { -$0 }), (try run("perplexity", ["scale": "linear"]), with.map { -exp($0) }),
      (try run("ifd"), zip(with, without).map { -$0 / $1 }),
      (try run("ifd", ["form": "perplexity"]), zip(with, without).map { -exp($0 - $1) }),
      (try run("pmi"), zip(evidence[0].tokens, zip(with, without)).map { $0 * $1.1 - $0 * $1.0 }),
    ] {
      #expect(scores[3] == reason)
      for sample in 0..<count where sample != 3 {
        #expect(abs(scores[sample].value! - expected[sample]) < 1e-12 * abs(expected[sample]))
      }
    }
    // With 19 samples the last one's 3.8 is still below 3.9; raising one above shows what the papers do with it.
    let high = try score("ifd", evidence, ["keep": "high"], from: .ledger) { ledger in
      ledger["base_loss"] = with
      ledger["base_loss_without_prompt"] = without
      ledger["base_loss"]![0] = 6
    }.scores
    #expect(high[0] == .unscored("its question makes the answer less likely, with a difficulty of 2.0 at checkpoint 8"))
    #expect(high[1].value! == with[1] / without[1])
  }

  /// What ln p(a|q) − ln p(a) is must not depend on how an answer is cut into pieces: that of the whole is the sum of
  /// its parts', which a score for each token does not have.
  @Test func mutualInformationAddsUp() throws {
    let evidence = [try Evidence(tiny: "c0", step: 8)]
    let parts = [(tokens: 3.0, with: 1.5, without: 4.0), (tokens: 9.0, with: 2.5, without: 2.0)]
    func information(_ tokens: Double, _ with: Double, _ without: Double) throws -> Double {
      try score("pmi", evidence, from: .ledger) { ledger in
        let all = evidence[0].ids
        ledger["tokens"] = all.map { _ in tokens }
        ledger["base_loss"] = all.map { _ in with }
        ledger["base_loss_without_prompt"] = all.map { _ in without }
      }.values[0]!
    }
    let whole = try information(12, (3 * 1.5 + 9 * 2.5) / 12, (3 * 4.0 + 9 * 2.0) / 12)
    let sum = try parts.reduce(0) { try $0 + information($1.tokens, $1.with, $1.without) }
    #expect(abs(whole - sum) < 1e-12)
    #expect(abs(whole - 3) < 1e-12)
    #expect(throws: NotToBeHad.self) { try score("pmi", evidence, from: .gradients) }
  }

  @Test func random() throws {
    let evidence = try Evidence.tiny("c0")
    let scores = try score("random", evidence).values.map { $0! }
    #expect(scores.allSatisfy { 0 <= $0 && $0 < 1 })
    #expect(Set(scores).count == scores.count)
    #expect(abs(mean(scores) - 0.5) < 0.25)
    #expect(try score("random", evidence, ["seed": 1]).values != scores)
    // A sample's number is its own: the order of the samples has no part in it.
    var turned = evidence[1]
    turned.ids.reverse()
    #expect(try score("random", [turned]).values.reversed() == scores)
  }
}
