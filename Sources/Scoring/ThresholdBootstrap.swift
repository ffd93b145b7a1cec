import Diagnostics
import Threads

/// How sure a threshold is: where it goes, and which decisions change, when what it rests on is drawn anew.
///
/// The bootstrap (Efron 1979, "Bootstrap methods: another look at the jackknife"): each draw takes as many as there are, with
/// replacement, and the rule decides again. What is drawn is what the rule looks at, anchors, training samples or both, within
/// each client; then whole clients with their anchors, where three or more have any. Where several scorers are combined, and
/// where clients are calibrated, each draw makes the scales anew.
///
/// Drawing more than there are says what more of the same kind would change.
package struct ThresholdBootstrap: Sendable, Equatable {
  /// How many draws there are of each kind.
  package let draws: Int
  /// Where their random numbers start.
  package let seed: UInt64
  /// What was drawn, and what came of it; empty where the rule looks at nothing that can be drawn anew.
  package let resamplings: [Resampling]

  package init(draws: Int, seed: UInt64, resamplings: [Resampling]) {
    self.draws = draws
    self.seed = seed
    self.resamplings = resamplings
  }

  /// The ends of an interval, as shares of the draws below them.
  static let intervalEnds = (0.05, 0.95)
  /// A decision is unsure when a smaller share of the draws agrees with it.
  static let steadyShare = 0.9
  /// How many more anchors of each client are tried.
  static let moreAnchors = 10
  /// From so many clients with anchors on, clients are drawn.
  package static let leastClients = 3

  /// Draws of one kind.
  package struct Resampling: Sendable, Equatable {
    package let unit: Unit
    /// How many more are drawn than there are: anchors of each client that has any, or clients.
    package let more: Int
    /// In how many draws there was too little for a threshold.
    let failed: Int
    /// Every client in the order of its name; empty when more than half of the draws failed.
    package let clients: [Client]

    /// How many training samples have a score.
    package var scored: Int { clients.reduce(0) { $0 + $1.scored } }
    /// Of how many the decision is unsure.
    package var unsure: Int { clients.reduce(0) { $0 + $1.unsure } }
    package var unsureShare: Double { scored > 0 ? Double(unsure) / Double(scored) : 0 }

    /// Where the one threshold of all clients lies in nine of ten draws, in scores; nil where each client has its own.
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

  /// What draws make of one client.
  package struct Client: Sendable, Equatable {
    package let client: String
    /// Its threshold in nine of ten draws, in scores on the scale of the selection.
    package let interval: ClosedRange<Double>?
    /// The same in standard deviations of all anchors from their mean; nil where these make none.
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

  /// The draws of what is there, without more; the first of the kinds.
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

  /// - returns: nil where there is nothing to draw: no draws are wanted, or clients are scored whole, one sample each.
  /// - throws: ``Failure`` when the rule fails for another reason than that a draw left too little.
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
    // Most rules take no time, and then nothing is said of it.
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

  /// So many draws' decisions are held at once.
  private static let blockSize = 16
}

/// What came of the draws of one kind so far.
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

  /// The middle nine tenths of some numbers; nil where one is NaN, or where there are none.
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
    // Of two infinities there is no difference.
    guard sorted[below] < sorted[above] else { return sorted[below] }
    return sorted[below] + (index - Double(below)) * (sorted[above] - sorted[below])
  }
}
