import Tensors
import Testing

@testable import Measuring

/// Intervals.
@Suite struct EstimateTests {
  /// Against `statsmodels.stats.proportion.proportion_confint(…, method="wilson")`.
  @Test(arguments: [
    (0, 10, 0.0, 0.27753279986288926), (7, 10, 0.39677814746114537, 0.8922087325936989),
    (50, 50, 0.9286524008666412, 1.0),
  ]) func sharesHaveWilsonsInterval(_ successes: Int, _ count: Int, _ low: Double, _ high: Double) {
    let found = Estimate.share(successes, of: count)
    #expect(abs(found.low - low) < 1e-12 && abs(found.high - high) < 1e-12, "\(found)")
    #expect(found.value == Double(successes) / Double(count))
  }

  private static let values: [[Double]] = {
    let stream = RandomStream(seed: 3, "values")
    return (0..<2).map { model in
      (0..<400).map { place in
        let (a, b) = stream.block(UInt64(place))
        let (u, v) = (Double(a >> 11) * 0x1p-53, Double(b >> 11) * 0x1p-53)
        // The second model is a little worse on every sample, and the samples are very different.
        return 10 * u + (model == 1 ? 0.1 + 0.02 * (v - 0.5) : 0)
      }
    }
  }()

  private func sums(threads: Int = 2, seed: UInt64 = 0, draws: Int = 4000) throws -> PairedBootstrap.Sums {
    try PairedBootstrap(draws: draws, seed: seed, threads: threads).sums(
      of: [.mean(.perToken, Self.values)], domains: [.singles("a", 0..<150), .singles("b", 150..<400)]
    ) {}
  }

  /// The interval of a mean is that of its normal approximation, and pairing takes out what the samples have in common.
  @Test func intervalsAreAsWideAsTheoryHasThem() throws {
    let sums = try sums()
    let own = Self.values[0]
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    func variance(_ x: [Double]) -> Double { mean(x.map { ($0 - mean(x)) * ($0 - mean(x)) }) }
    let found = sums.value([0], score: 0, model: 0)
    let part = Array(own[..<150])
    let half = 1.96 * (variance(part) / 150).squareRoot()
    #expect(abs(found.value - mean(part)) < 1e-12)
    #expect(abs(found.low - (mean(part) - half)) < 0.08 * half && abs(found.high - (mean(part) + half)) < 0.08 * half)
    let difference = sums.difference([0, 1], score: 0, model: 1, against: 0)
    let gaps = zip(Self.values[1], own).map(-)
    let narrow = 1.96 * (variance(gaps) / 400).squareRoot()
    #expect(abs(difference.value - mean(gaps)) < 1e-12 && difference.low > 0)
    #expect(abs((difference.high - difference.low) / 2 - narrow) < 0.08 * narrow)
    // All samples are drawn domain by domain, so the variance is that within domains.
    let all = sums.value([0, 1], score: 0, model: 0)
    let spread = (150 * variance(part) + 250 * variance(Array(own[150...]))) / (400 * 400)
    #expect(abs((all.high - all.low) / 2 - 1.96 * spread.squareRoot()) < 0.08 * 1.96 * spread.squareRoot())
  }

  @Test func drawsFollowFromTheSeedAlone() throws {
    let one = try sums(threads: 1).value([0, 1], score: 0, model: 0)
    #expect(try sums(threads: 3).value([0, 1], score: 0, model: 0) == one)
    #expect(try sums(seed: 1).value([0, 1], score: 0, model: 0) != one)
  }

  /// A ratio of sums is not the mean of ratios.
  @Test func figuresAreRatiosOfSums() throws {
    let score = Score(name: .mark, numerators: [[1, 9]], denominators: [[1, 3]])
    let sums = try PairedBootstrap(draws: 200, seed: 0, threads: 1).sums(of: [score], domains: [.singles("d", 0..<2)]) {
    }
    let found = sums.value([0], score: 0, model: 0)
    #expect(found == Estimate(2.5, 1, 3))
  }

  /// Four copies of every sample tell no more than one.
  @Test func whatBelongsTogetherIsDrawnTogether() throws {
    let copies = [Self.values[0].prefix(50).flatMap { [$0, $0, $0, $0] }]
    let one = [Array(Self.values[0].prefix(50))]
    func interval(_ values: [[Double]], _ domain: SampleDomain) throws -> Estimate {
      try PairedBootstrap(draws: 500, seed: 0, threads: 2).sums(of: [.mean(.mark, values)], domains: [domain]) {}
        .value([0], score: 0, model: 0)
    }
    let due = try interval(one, .singles("d", 0..<50))
    let found = try interval(copies, SampleDomain(name: "d", pieces: (0..<50).map { Array(4 * $0..<4 * $0 + 4) }))
    #expect(abs(found.low - due.low) < 1e-9 && abs(found.high - due.high) < 1e-9)
    let apart = try interval(copies, .singles("d", 0..<200))
    #expect(apart.high - apart.low < 0.7 * (due.high - due.low))
  }

  @Test func aSingleSampleHasNoInterval() throws {
    let score = Score.mean(.mark, [[1, 2]])
    let sums = try PairedBootstrap(draws: 50, seed: 0, threads: 1).sums(of: [score], domains: [.singles("d", 1..<2)]) {}
    let found = sums.value([0], score: 0, model: 0)
    #expect(found.value == 2 && found.low.isNaN && found.high.isNaN)
  }
}

extension SampleDomain {
  fileprivate static func singles(_ name: String, _ places: Range<Int>) -> SampleDomain {
    SampleDomain(name: name, pieces: places.map { [$0] })
  }
}
