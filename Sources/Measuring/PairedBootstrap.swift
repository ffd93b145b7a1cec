import Diagnostics
import Records
import Tensors
import Threads

/// A figure for every model and sample, whose mean is a ratio of sums: Σ numerators / Σ denominators.
struct Score: Sendable {
  let name: MeasureRecord.FigureName

  /// By model and sample.
  let numerators, denominators: [[Double]]

  /// A figure with equal weights.
  static func mean(_ name: MeasureRecord.FigureName, _ values: [[Double]]) -> Score {
    Score(name: name, numerators: values, denominators: values.map { $0.map { _ in 1 } })
  }
}

/// A number and the ends of its interval, NaN if it has none.
package struct Estimate: Sendable, Equatable {
  package let value, low, high: Double

  package init(_ value: Double, _ low: Double = .nan, _ high: Double = .nan) {
    (self.value, self.low, self.high) = (value, low, high)
  }
}

/// The samples of a domain, which are drawn separately; those that belong together form one piece.
struct SampleDomain: Sendable {
  let name: String

  /// The indices of the samples of each piece.
  let pieces: [[Int]]

  var places: [Int] { pieces.flatMap { $0 } }

  /// The domains of samples and their pieces, in the order in which they come.
  static func all(_ samples: [(domain: String, group: String?)]) -> [SampleDomain] {
    var (names, pieces): ([String], [String: [[Int]]]) = ([], [:])
    var known: [String: [String: Int]] = [:]
    for (place, (domain, group)) in samples.enumerated() {
      if pieces[domain] == nil { names.append(domain) }
      if let group, let piece = known[domain]?[group] {
        pieces[domain]?[piece].append(place)
      } else {
        if let group { known[domain, default: [:]][group] = pieces[domain]?.count ?? 0 }
        pieces[domain, default: []].append([place])
      }
    }
    return names.map { SampleDomain(name: $0, pieces: pieces[$0] ?? []) }
  }
}

/// Confidence intervals of figures and their differences: pieces are resampled within each domain, as many as it has, with
/// the same draws for all models; an interval contains 95 % of the draws (Efron's percentiles).
struct PairedBootstrap: Sendable {
  let draws: Int
  let seed: UInt64
  let threads: Int

  /// Numerators and denominators by draw, then by domain, score and model.
  struct Sums: Sendable {
    fileprivate let draws: [[Double]]
    fileprivate let actual: [Double]
    fileprivate let scores, models: Int
    fileprivate let sizes: [Int]

    /// The figure of a model over some domains.
    func value(_ domains: [Int], score: Int, model: Int) -> Estimate {
      estimate(domains) { ratio($0, domains, score, model) }
    }

    /// The figure of a model minus that of another.
    func difference(_ domains: [Int], score: Int, model: Int, against other: Int) -> Estimate {
      estimate(domains) { ratio($0, domains, score, model) - ratio($0, domains, score, other) }
    }

    /// A number that follows from the figures of all models.
    func number(_ domains: [Int], score: Int, _ statistic: ([Double]) -> Double) -> Estimate {
      estimate(domains) { sums in statistic((0..<models).map { ratio(sums, domains, score, $0) }) }
    }

    private func ratio(_ sums: [Double], _ domains: [Int], _ score: Int, _ model: Int) -> Double {
      var (numerator, denominator) = (0.0, 0.0)
      for domain in domains {
        let place = 2 * ((domain * scores + score) * models + model)
        numerator += sums[place]
        denominator += sums[place + 1]
      }
      return numerator / denominator
    }

    private func estimate(_ domains: [Int], _ statistic: ([Double]) -> Double) -> Estimate {
      let value = statistic(actual)
      let drawn = draws.map(statistic)
      // Resampling a single piece always gives the same piece.
      guard domains.reduce(0, { $0 + sizes[$1] }) > 1, !drawn.isEmpty, drawn.allSatisfy(\.isFinite) else {
        return Estimate(value)
      }
      let sorted = drawn.sorted()
      return Estimate(value, Self.quantile(sorted, 0.025), Self.quantile(sorted, 0.975))
    }

    /// Interpolates linearly, like numpy's default.
    private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
  }

  /// - parameters:
  ///   - drawn: Called for each finished draw, from any thread.
  func sums(of scores: [Score], domains: [SampleDomain], drawn: @Sendable () -> Void) throws -> Sums {
    let models = scores.first?.numerators.count ?? 0
    // The sums of every piece, by domain, score and model.
    let pieces = domains.map { domain in
      scores.map { score in
        (0..<models).map { model in
          domain.pieces.map { places in
            places.reduce(into: (0.0, 0.0)) { sums, place in
              sums.0 += score.numerators[model][place]
              sums.1 += score.denominators[model][place]
            }
          }
        }
      }
    }
    @Sendable func sum(_ chosen: (Int) -> [Int]) -> [Double] {
      pieces.indices.flatMap { domain -> [Double] in
        let places = chosen(domain)
        return pieces[domain].flatMap { models in
          models.flatMap { pieces -> [Double] in
            var (numerator, denominator) = (0.0, 0.0)
            for place in places {
              numerator += pieces[place].0
              denominator += pieces[place].1
            }
            return [numerator, denominator]
          }
        }
      }
    }
    let streams = domains.map { RandomStream(seed: seed, "measure", $0.name) }
    let found = try inParallel(draws, threads: threads) { draw in
      if draw % 64 == 0 { try Interruption.check() }
      defer { drawn() }
      return sum { domain in
        let count = domains[domain].pieces.count
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { words in
          streams[domain].fill(words, from: UInt64(draw) * UInt64(count))
          return words.map { Int($0.multipliedFullWidth(by: UInt64(count)).high) }
        }
      }
    }
    return Sums(
      draws: found, actual: sum { Array(domains[$0].pieces.indices) }, scores: scores.count, models: models,
      sizes: domains.map(\.pieces.count))
  }
}

extension Estimate {
  /// A share of successes with Wilson's 95 % interval.
  static func share(_ successes: Int, of count: Int) -> Estimate {
    guard count > 0 else { return Estimate(.nan) }
    let (n, z) = (Double(count), 1.959963984540054)
    let share = Double(successes) / n
    let middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    return Estimate(share, max(0, middle - half), min(1, middle + half))
  }
}
