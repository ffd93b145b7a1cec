import Diagnostics
import Foundation
import JSON
import PluginHost
import Synchronization
import TestSupport
import Testing

@Suite struct AnchorMixtureTests {
  typealias Client = ThresholdRulePlugin.ClientScores

  /// What the rule decides and logs.
  private func decide(_ clients: [Client], _ parameters: [String: JSONValue] = [:], rule id: String = "anchor-mixture")
    throws -> (threshold: Double, log: [(level: HostServices.LogLevel, text: String)])
  {
    let rule = try builtInCatalog().thresholdRule(id)
    let heard = Heard()
    let thresholds = try rule.thresholds(
      for: clients, ParameterValues(parameters, schema: rule.about.parameters, of: id),
      services: HostServices(log: { _, level, text in heard.lines.withLock { $0.append((level, text)) } }))
    #expect(Set(thresholds).count == 1 && thresholds.count == clients.count, "one threshold for all")
    return (thresholds[0], heard.lines.withLock { $0 })
  }

  private final class Heard: Sendable {
    let lines = Mutex<[(level: HostServices.LogLevel, text: String)]>([])
  }

  private func client(_ name: String = "a", train: [Double], anchors: [Double]) -> Client {
    Client(
      client: name, values: train + anchors,
      splits: train.map { _ in Split.train } + anchors.map { _ in Split.anchor })
  }

  /// Scores of known classes.
  private struct World {
    var anchors: [Double] = []
    var train: [(score: Double, isGood: Bool)] = []

    var scores: [Double] { train.map(\.score) }

    /// F1 of keeping what is at least `threshold`.
    func f1(_ threshold: Double) -> Double {
      let kept = train.filter { $0.score >= threshold }
      return 2 * Double(kept.count(where: \.isGood)) / Double(kept.count + train.count(where: \.isGood))
    }

    /// That of the best threshold.
    var best: Double {
      let all = Double(train.count(where: \.isGood))
      var (kept, good, best) = (0.0, 0.0, 0.0)
      let falling = train.sorted { $0.score > $1.score }
      for (index, sample) in falling.enumerated() {
        kept += 1
        good += sample.isGood ? 1 : 0
        let parts = index + 1 == falling.count || falling[index + 1].score < sample.score
        if parts { best = max(best, 2 * good / (kept + all)) }
      }
      return best
    }
  }

  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state
      word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
      return word ^ word >> 31
    }
    mutating func uniform() -> Double { Double(next() >> 11) / 0x1p53 }
    mutating func normal() -> Double {
      let (radius, angle) = ((-2 * log(1 - uniform())).squareRoot(), 2 * Double.pi * uniform())
      return radius * cos(angle)
    }
  }

  private enum Kind: CaseIterable {
    case normal, skewed, heavy, atZero
  }

  /// Classes that are not the rule's own: a logistic chance and normal shapes fit none of them but the first, roughly.
  private func world(_ kind: Kind, bad: Double, samples: Int = 720, anchors: Int = 30, seed: UInt64 = 1) -> World {
    var dice = Dice(state: seed)
    func score(_ isGood: Bool) -> Double {
      switch kind {
      case .normal: isGood ? dice.normal() : -3 + 1.5 * dice.normal()
      case .skewed:
        isGood ? log(dice.uniform() * dice.uniform()) : -2 + 1.5 * log(dice.uniform() * dice.uniform() * dice.uniform())
      case .heavy:
        (isGood ? 0 : -5) + (isGood ? 1 : 1.5) * dice.normal()
          / ((0..<3).reduce(0) { sum, _ in
            let normal = dice.normal()
            return sum + normal * normal
          } / 3).squareRoot()
      case .atZero:
        // What three respects lack, as in a sum that counts nothing above the anchors' mean.
        (0..<3).reduce(0) { sum, _ in sum + min(0, (isGood ? 0.7 : -1.8) + dice.normal()) }
      }
    }
    var world = World()
    for _ in 0..<anchors { world.anchors.append(score(true)) }
    for _ in 0..<samples {
      let isGood = dice.uniform() >= bad
      world.train.append((score(isGood), isGood))
    }
    return world
  }

  /// The same formulas in numpy: Tests/Fixtures/thresholds/anchor_mixture.py.
  @Test func oracle() throws {
    let cases = try JSONReader().read(String(contentsOfFile: fixture("thresholds/cases.json"), encoding: .utf8))
    let all = try #require(cases.arrayValue)
    #expect(all.count == 8)
    for one in all {
      let one = try #require(one.objectValue)
      func numbers(_ key: String) throws -> [Double] {
        try #require(one[key]?.arrayValue).map { try #require($0.doubleValue) }
      }
      let expected = try #require(one["expected"]?.objectValue)
      func number(_ key: String) throws -> Double { try #require(expected[key]?.doubleValue) }
      let (threshold, log) = try decide([client(train: numbers("train"), anchors: numbers("anchors"))])
      let wanted = try number("threshold")
      #expect(threshold == wanted)
      let figures = try #require(log.first).text.split(whereSeparator: {
        $0 == " " || $0 == "(" || $0 == ")" || $0 == ";"
      })
      .compactMap { Double($0) }
      #expect(log.count == 1 && log[0].level == .info && figures.count == 4, "\(log)")
      #expect(try abs(figures[0] - 100 * number("share")) <= 0.0501)
      #expect(try figures[1] == Double(numbers("train").count))
      #expect(try abs(figures[2] - 100 * number("error")) <= 0.0501)
      #expect(try abs(figures[3] - number("f1")) <= 0.000501)
    }
  }

  /// One threshold for everybody: within a margin of the best that any has, for every share of bad samples, and on the
  /// whole better than every fixed k.
  @Test func nearTheBest() throws {
    var regrets: [String: Double] = [:]
    var count = 0.0
    for kind in Kind.allCases {
      for (index, bad) in [0, 0.2, 0.5, 0.8, 0.95].enumerated() {
        for seed: UInt64 in 1...3 {
          let world = world(kind, bad: bad, seed: seed * 100 + UInt64(index))
          let best = world.best
          let clients = [client(train: world.scores, anchors: world.anchors)]
          let own = best - world.f1(try decide(clients).threshold)
          #expect(own < [0.09, 0.06, 0.07, 0.12, 0.25][index], "\(kind), \(bad) bad: \(own) below \(best)")
          regrets["anchor-mixture", default: 0] += own
          let mean = world.anchors.reduce(0, +) / 30
          let deviation = (world.anchors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 29).squareRoot()
          for k in [0.5, 1, 1.5, 2] {
            let threshold = mean - k * deviation
            regrets["k = \(k)", default: 0] += best - world.f1(threshold)
          }
          count += 1
        }
      }
    }
    let own = regrets.removeValue(forKey: "anchor-mixture") ?? .infinity
    #expect(own / count < 0.035)
    for (rule, regret) in regrets { #expect(own < 0.75 * regret, "\(rule): \(regret / count), own \(own / count)") }
  }

  @Test func shareIsNear() throws {
    for (bad, margin) in [(0.2, 12.0), (0.5, 12), (0.8, 12)] {
      let world = world(.normal, bad: bad, seed: 7)
      let text = try #require(try decide([client(train: world.scores, anchors: world.anchors)]).log.first).text
      let share = try #require(text.split(separator: " ").compactMap { Double($0) }.first)
      #expect(abs(share - 100 * (1 - bad)) < margin, "\(text)")
    }
  }

  @Test func orderDoesNotMatter() throws {
    let world = world(.skewed, bad: 0.5)
    let (train, anchors) = (world.scores, world.anchors)
    let one = try decide([client(train: train, anchors: anchors)])
    var dice = Dice(state: 3)
    let shuffled = try decide([
      client("z", train: train[400...].shuffled(using: &dice), anchors: anchors[..<7].shuffled(using: &dice)),
      client("a", train: train[..<400].shuffled(using: &dice), anchors: anchors[7...].shuffled(using: &dice)),
    ])
    #expect(
      one.threshold.bitPattern == shuffled.threshold.bitPattern && one.log.map(\.text) == shuffled.log.map(\.text))
  }

  /// Scores in other units: the same samples are kept.
  @Test func equivariance() throws {
    for kind in Kind.allCases {
      let world = world(kind, bad: 0.5, seed: 11)
      let threshold = try decide([client(train: world.scores, anchors: world.anchors)]).threshold
      // A power of two rounds nothing.
      for (scale, shift) in [(0x1p-40, 0.0), (8, 0), (0x1p900, 0), (1.7, 3), (1e-5, -2)] {
        func moved(_ scores: [Double]) -> [Double] { scores.map { scale * $0 + shift } }
        let other = try decide([client(train: moved(world.scores), anchors: moved(world.anchors))]).threshold
        #expect(other == scale * threshold + shift, "\(kind), \(scale), \(shift)")
      }
    }
  }

  @Test func fallbacks() throws {
    let world = world(.normal, bad: 0.5)
    func fallsBack(
      _ train: [Double], _ anchors: [Double], _ parameters: [String: JSONValue] = [:], because reason: String
    ) throws {
      let clients = [client(train: train, anchors: anchors)]
      let (threshold, log) = try decide(clients, parameters)
      let k = parameters["k"] ?? 1.5
      let sigma = try decide(clients, ["k": k], rule: "anchor-sigma").threshold
      #expect(abs(threshold - sigma) <= 1e-12 * max(1, abs(sigma)))
      #expect(log.count == 1 && log[0].level == .warning)
      #expect(log[0].text.contains(reason) && log[0].text.contains("that of anchor-sigma with k = "), "\(log)")
    }
    try fallsBack(world.scores, Array(world.anchors[..<9]), because: "there are 9 anchors, fewer than 10")
    try fallsBack(
      world.scores, world.anchors, ["minimum_anchors": 31, "k": 2], because: "there are 30 anchors, fewer than 31")
    try fallsBack(Array(world.scores[..<9]), world.anchors, because: "only 9 scored training samples, fewer than 10")
    try fallsBack([], world.anchors, because: "there are no scored training samples")
    try fallsBack(world.scores, world.anchors.map { _ in 0.1 }, because: "all anchors have the same score")
    try fallsBack(world.scores, world.anchors, ["maximum_error": 0.01], because: "too uncertain")
    try fallsBack(world.scores, world.anchors.map { $0 + 60 }, because: "the anchors are not distributed like any part")
    // Between two heaps of samples.
    try fallsBack(
      world.scores.map { $0 < -1 ? $0 - 20 : $0 + 20 }, world.anchors, because: "not distributed like any part")
    try fallsBack(
      world.scores, world.anchors.map { $0 + 2 }, because: "hardly any training sample scores like the anchors")
    expectFailure(.badData, "at least 2 anchor samples with a score, and there is 1") {
      try decide([client(train: world.scores, anchors: [0])])
    }
    // As many as it takes: no fallback.
    #expect(try decide([client(train: world.scores, anchors: Array(world.anchors[..<10]))]).log[0].level == .info)
  }

  /// Most good samples share the highest score: they are kept or dropped together, and here kept.
  @Test func tiesAtTheTop() throws {
    for bad in [0.2, 0.8] {
      let world = world(.atZero, bad: bad, seed: 5)
      #expect(world.scores.count { $0 == 0 } > 40)
      let (threshold, log) = try decide([client(train: world.scores, anchors: world.anchors)])
      #expect(threshold < 0 && log[0].level == .info, "\(log)")
      #expect(world.best - world.f1(threshold) < 0.05)
    }
  }

  /// Of several clients one may be all good and another nearly all bad: the threshold is that of their samples together.
  @Test func unlikeClients() throws {
    let (good, bad) = (
      world(.normal, bad: 0, samples: 240, anchors: 10), world(.normal, bad: 0.95, samples: 240, anchors: 10, seed: 2)
    )
    var both = good
    both.train += bad.train
    let (threshold, log) = try decide([
      client("good", train: good.scores, anchors: good.anchors), client("bad", train: bad.scores, anchors: bad.anchors),
    ])
    #expect(log[0].level == .info && both.best - both.f1(threshold) < 0.04, "\(log)")
  }

  @Test func hostileValues() throws {
    let world = world(.normal, bad: 0.5)
    // Far off in both directions: what is in between decides.
    let far = [1e300, -1e300, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0]
    let (threshold, log) = try decide([client(train: world.scores + far, anchors: world.anchors)])
    #expect(abs(threshold - (try decide([client(train: world.scores, anchors: world.anchors)]).threshold)) < 0.3)
    #expect(log[0].level == .info)
    // Two values, one value, and scores that only rounding tells apart.
    let places = (0..<40).map(Double.init)
    let fewValues: [[Double]] = [
      places.map { $0 < 20 ? 0 : 1 }, places.map { _ in 0 }, places.map { 1 + $0 * 0x1p-52 },
    ]
    for train in fewValues {
      #expect(try decide([client(train: train, anchors: world.anchors)]).threshold.isFinite)
    }
    let largest = Double.greatestFiniteMagnitude
    let strangeAnchors: [[Double]] = [
      places.map { $0 < 20 ? 1e300 : -1e300 }, places.map { $0 == 0 ? 1e300 : $0 },
      places.map { $0 * .leastNonzeroMagnitude }, places.map { 1 + $0 * 0x1p-52 },
      places.map { $0 < 20 ? largest : -largest },
    ]
    for anchors in strangeAnchors {
      let (threshold, log) = try decide([client(train: world.scores, anchors: anchors)])
      #expect(!threshold.isNaN && log.count == 1)
    }
  }

  /// More samples than bins, as many as a large client has.
  @Test func manySamples() throws {
    let world = world(.normal, bad: 0.5, samples: 20_000)
    let threshold = try decide([client(train: world.scores, anchors: world.anchors)]).threshold
    #expect(world.best - world.f1(threshold) < 0.04)
  }

  @Test func cancellation() throws {
    let world = world(.normal, bad: 0.5)
    let rule = try builtInCatalog().thresholdRule("anchor-mixture")
    #expect(throws: (any Error).self) {
      try rule.thresholds(
        for: [client(train: world.scores, anchors: world.anchors)],
        ParameterValues(schema: rule.about.parameters, of: "anchor-mixture"),
        services: HostServices(isCancelled: { true }))
    }
  }
}
