import Testing

@testable import Measuring

/// Intervals.
@Suite struct EstimateTests {
  /// Against `statsmodels.stats.proportion.proportion_confint(…, method="wilson")`.
  @Test(arguments: [
    (0, 10, 0.0, 0.2775327998628893), (7, 10, 0.39677815326454415, 0.8922087325112916), (50, 50, 0.9286524, 1.0),
  ]) func sharesHaveWilsonsInterval(_ successes: Int, _ count: Int, _ low: Double, _ high: Double) {
    let found = Estimate.share(successes, of: count)
    #expect(abs(found.low - low) < 1e-6 && abs(found.high - high) < 1e-6, "\(found)")
  }
}
