import Diagnostics
import Threads

/// How certain a threshold is: where it moves, and which decisions change, when its evidence is resampled.
///
/// The bootstrap (Efron 1979, "Bootstrap methods: another look at the jackknife"): each draw takes as many as there are, with
/// replacement, and the rule decides again. Draws are taken from what the rule uses, anchors, training samples or both, within
/// each client; then from whole clients with their anchors, if three or more have any. If several scorers are combined, or
/// clients are calibrated, each draw recomputes the scales.
///
/// Drawing more than there are shows what more of the same kind would change.
package struct ThresholdBootstrap: Sendable, Equatable {
  /// The number of draws of each kind.
  package let draws: Int
  /// The seed of their random numbers.
  package let seed: UInt64
  /// What was drawn, with the results; empty if the rule uses nothing that can be resampled.
  package let resamplings: [Resampling]

  package init(draws: Int, seed: UInt64, resamplings: [Resampling]) {
    self.draws = draws
    self.seed = seed
    self.resamplings = resamplings
  }

  /// The ends of an interval, as quantiles of the draws.
  static let intervalEnds = (0.05, 0.95)
  /// A decision is unsure if a smaller share of the draws agrees with it.
  static let steadyShare = 0.9
  /// The number of additional anchors of each client to try.
  static let moreAnchors = 10
  /// Clients are drawn if at least this many have anchors.
  package static let leastClients = 3

  /// Draws of one kind.
  package struct Resampling: Sendable, Equatable {
    package let unit: Unit
    /// How many more are drawn than there are: anchors of each client that has any, or clients.
    package let more: Int
    /// The number of draws with too little data for a threshold.
    let failed: Int
    /// The clients by name; empty if more than half of the draws failed.
    package let clients: [Client]

    /// The number of training samples with a score.
    package var scored: Int { clients.reduce(0) { $0 + $1.scored } }
    /// The number of unsure decisions.
    package var unsure: Int { clients.reduce(0) { $0 + $1.unsure } }
    package var unsureShare: Double { scored > 0 ? Double(unsure) / Double(scored) : 0 }

    /// The range of the common threshold in nine of ten draws, in scores; nil if each client has its own.
    package var interval: ClosedRange<Double>? { common(\.interval) }
    /// The same in standard deviations of all anchors from their mean.
    package var deviations: ClosedRange<Double>? { common(\.deviations) }

    private func common(_ range: (Client) -> ClosedRange<Double>?) -> ClosedRange<Double>? {
      let ranges = Set(clients.map(range))
      return ranges.count == 1 ? ranges.first ?? nil : nil
    }
  }

  /// What is drawn.
  package enum Unit: String, Sendable {
    case anchors
    case samples
    case anchorsAndSamples = "anchors and samples"
    case clients
  }

  /// The results of the draws for one client.
  package struct Client: Sendable, Equatable {
    package let client: String
    /// Its threshold in nine of ten draws, in scores on the scale of the selection.
    package let interval: ClosedRange<Double>?
    /// The same in standard deviations of all anchors from their mean; nil if the anchors do not differ.
    package let deviations: ClosedRange<Double>?
    package let scored: Int
    package let unsure: Int

    package init(
      client: String, interval: ClosedRange<Double>?, deviations: ClosedRange<Double>?, scored: Int, unsure: Int
    ) {
      self.client = client
      self.interval = interval
      self.deviations = deviations
      self.scored = scored
      self.unsure = unsure
    }
  }

  /// The draws of the present evidence, without more; the first kind.
  package var present: Resampling? { resamplings.first }
}

extension ThresholdBootstrap {
  /// How to draw.
  package struct Settings: Sendable {
    package let draws: Int
    package let seed: UInt64
    package let threads: Int
    package let observer: any Observer

    package init(draws: Int, seed: UInt64, threads: Int, observer: any Observer) {
      self.draws = draws
      self.seed = seed
      self.threads = threads
      self.observer = observer
    }
  }

  /// - returns: nil if there is nothing to draw: no draws are wanted, or whole clients are scored, one sample each.
  /// - throws: ``Failure`` if the rule fails for another reason than a draw with too little data.
  package init?(_ evidence: ThresholdEvidence, _ settings: Settings) throws {
    guard settings.draws > 0, evidence.hasSamples else { return nil }
    let start = ContinuousClock.now
    let (anchors, samples) = try evidence.whatCounts(seed: settings.seed)
    let probes = 2 * ThresholdEvidence.probes + 1
    var kinds: [(unit: Unit, more: Int)] = []
    if anchors || samples {
      let unit: Unit = anchors ? samples ? .anchorsAndSamples : .anchors : .samples
      kinds += [(unit, 0)] + (anchors ? [(unit, Self.moreAnchors)] : [])
      if anchors, evidence.anchored.count >= Self.leastClients { kinds += [(.clients, 0), (.clients, 1)] }
    }
    let total = kinds.count * settings.draws
    // Most rules are fast, and need no progress display.
    let isLong = (ContinuousClock.now - start) * total / probes > .seconds(1)
    if isLong { settings.observer.begin(.drawing, total: total) }
    resamplings = try kinds.map { unit, more in
      var tally = Tally(evidence)
      for block in stride(from: 0, to: settings.draws, by: Self.blockSize) {
        let count = min(Self.blockSize, settings.draws - block)
        let outcomes = try inParallel(count, threads: settings.threads) { index in
          try Interruption.check()
          defer { if isLong { settings.observer.advance(.drawing, by: 1) } }
          return try evidence.outcome(of: evidence.draw(block + index, of: unit, more: more, seed: settings.seed))
        }
        for outcome in outcomes { tally.add(outcome) }
      }
      return tally.resampling(of: unit, more: more)
    }
    if isLong { settings.observer.end(.drawing) }
    (draws, seed) = (settings.draws, settings.seed)
  }

  /// The number of draws whose decisions are held at once.
  private static let blockSize = 16
}

/// The results so far of the draws of one kind.
private struct Tally {
  private let evidence: ThresholdEvidence
  private var thresholds: [[Double]]
  private var deviations: [[Double]]
  private var agreeing: [Int]
  private var (drawn, failed) = (0, 0)

  init(_ evidence: ThresholdEvidence) {
    self.evidence = evidence
    thresholds = evidence.groups.map { _ in [] }
    deviations = thresholds
    agreeing = evidence.rows.map { _ in 0 }
  }

  mutating func add(_ outcome: ThresholdEvidence.Outcome?) {
    guard let outcome else {
      failed += 1
      return
    }
    drawn += 1
    for index in thresholds.indices {
      thresholds[index].append(outcome.thresholds[index])
      deviations[index].append(outcome.deviations[index])
    }
    for index in agreeing.indices where outcome.agrees[index] { agreeing[index] += 1 }
  }

  func resampling(of unit: ThresholdBootstrap.Unit, more: Int) -> ThresholdBootstrap.Resampling {
    let clients = evidence.groups.enumerated().map { order, group in
      let scored = group.places.filter { evidence.isScored($0) }
      return ThresholdBootstrap.Client(
        client: group.client, interval: interval(thresholds[order]), deviations: interval(deviations[order]),
        scored: scored.count,
        unsure: scored.count { Double(agreeing[$0]) < ThresholdBootstrap.steadyShare * Double(drawn) })
    }
    return .init(unit: unit, more: more, failed: failed, clients: failed > drawn ? [] : clients)
  }

  /// The middle nine tenths of some numbers; nil if one is NaN, or if there are none.
  private func interval(_ numbers: [Double]) -> ClosedRange<Double>? {
    guard !numbers.isEmpty, !numbers.contains(where: \.isNaN) else { return nil }
    let sorted = numbers.sorted()
    let (low, high) = ThresholdBootstrap.intervalEnds
    return quantile(low, of: sorted)...quantile(high, of: sorted)
  }

  /// Interpolated between neighbours (type 7 of Hyndman and Fan, numpy's default).
  private func quantile(_ share: Double, of sorted: [Double]) -> Double {
    let index = share * Double(sorted.count - 1)
    let (below, above) = (Int(index), min(Int(index) + 1, sorted.count - 1))
    // Two infinities have no difference.
    guard sorted[below] < sorted[above] else { return sorted[below] }
    return sorted[below] + (index - Double(below)) * (sorted[above] - sorted[below])
  }
}
