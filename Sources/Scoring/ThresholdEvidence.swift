import Diagnostics
import PluginHost
import Recipes
import Tensors

/// The evidence for a threshold, and how to recompute it from a part of that.
///
/// Clients and samples are sorted by name, so that their original order does not matter.
package struct ThresholdEvidence: Sendable {
  package let rows: [ScoreTable.Row]
  /// The clients with the indices of their rows.
  package let groups: [(client: String, places: Range<Int>)]
  /// For every client the indices of its scored anchors, and of its training samples.
  private let anchors: [[Int]]
  private let training: [[Int]]
  /// For every row its score before calibration, and whether it is kept; nil for rows without a score.
  private let scores: [Double?]
  private let kept: [Bool?]
  /// The combined scorers; nil if there is only one.
  private let parts: ScoreParts?
  private let scorers: [ScoreTable.Scorer]
  private let combination: Recipe.Combination?
  private let calibratesClients: Bool
  /// The anchors on the scale of the selection.
  private let reference: Statistics
  private let decide: @Sendable ([ThresholdRulePlugin.ClientScores]) throws -> [Double]

  /// - parameters:
  ///   - table: The scores.
  ///   - calibrated: The same, each client's on its own scale if clients are calibrated.
  ///   - thresholds: The rule's decision, in the order of the table's clients.
  package init(
    _ table: ScoreTable, calibrated: ScoreTable, calibratesClients: Bool, thresholds: [Double],
    decide: @escaping @Sendable ([ThresholdRulePlugin.ClientScores]) throws -> [Double]
  ) {
    let owners = table.groups.enumerated().flatMap { index, group in group.places.map { _ in index } }
    let order = table.rows.indices.sorted { left, right in
      Self.precedes(table.rows[left], table.rows[right]) ?? (left < right)
    }
    var sorted = table
    sorted.rows = order.map { table.rows[$0] }
    rows = sorted.rows
    groups = sorted.groups
    let (rows, groups) = (rows, groups)
    scores = rows.map(\.score.value)
    let values = order.map { calibrated.rows[$0].score.value }
    kept = zip(order, values).map { index, value in
      table.rows[index].isTrain ? value.map { $0 >= thresholds[owners[index]] } : nil
    }
    let isCombined = table.scorers.count > 1 && !table.isUncombined
    parts = isCombined ? ScoreParts(sorted) : nil
    scorers = table.scorers
    combination = table.combination
    anchors = groups.map { group in
      // A sample that one of several scorers can score is part of that scorer's scale.
      group.places.filter {
        rows[$0].isAnchor && (rows[$0].score.value != nil || isCombined && rows[$0].parts.contains { $0.score != nil })
      }
    }
    training = groups.map { $0.places.filter { rows[$0].isTrain } }
    self.calibratesClients = calibratesClients
    reference = Statistics(rows.indices.filter { rows[$0].isAnchor }.compactMap { values[$0] })
    self.decide = decide
  }

  private static func precedes(_ left: ScoreTable.Row, _ right: ScoreTable.Row) -> Bool? {
    for (mine, theirs) in [(left.client, right.client), (left.split, right.split), (left.id, right.id)]
    where mine != theirs {
      return mine.utf8.lexicographicallyPrecedes(theirs.utf8)
    }
    return nil
  }

  /// Whether clients have samples; they have none if the clients themselves are scored.
  var hasSamples: Bool { groups.contains { $0.places.count > 1 } }

  /// The clients that have anchors.
  var anchored: [Int] { groups.indices.filter { !anchors[$0].isEmpty } }

  /// Whether a row is a training sample with a decision.
  func isScored(_ index: Int) -> Bool { kept[index] != nil }

  /// The rows from which a threshold is computed: every client's anchors and training samples, possibly with repetitions.
  struct Draw {
    var anchors: [[Int]]
    var training: [[Int]]
    /// Whether the scales of individual clients use all their anchors.
    var keepsClientScales = false
  }

  /// The outcome of a draw.
  struct Outcome: Sendable {
    /// Every client's threshold, on the scale of the selection.
    let thresholds: [Double]
    /// The same in deviations of all anchors from their mean; NaN if the anchors do not differ.
    let deviations: [Double]
    /// For every row, whether it is decided as in the selection.
    let agrees: [Bool]
  }
}

// MARK: - Drawing

extension ThresholdEvidence {
  /// A draw with replacement; a larger draw starts with the smaller one, so that the two can be compared.
  func draw(_ number: Int, of unit: ThresholdBootstrap.Unit, more: Int, seed: UInt64) -> Draw {
    var draw = Draw(anchors: anchors, training: training)
    if unit == .clients {
      let anchored = anchored
      draw.keepsClientScales = true
      draw.anchors = groups.map { _ in [] }
      let stream = RandomStream(seed: seed, "bootstrap of clients", "\(number)")
      for index in some(anchored.count + more, of: anchored, stream) { draw.anchors[index] += anchors[index] }
      return draw
    }
    for (index, group) in groups.enumerated() {
      if unit != .samples, !anchors[index].isEmpty {
        let stream = RandomStream(seed: seed, "bootstrap of anchors", group.client, "\(number)")
        draw.anchors[index] = some(anchors[index].count + more, of: anchors[index], stream)
      }
      if unit != .anchors {
        let stream = RandomStream(seed: seed, "bootstrap of samples", group.client, "\(number)")
        draw.training[index] = some(training[index].count, of: training[index], stream)
      }
    }
    return draw
  }

  private func some(_ count: Int, of places: [Int], _ stream: RandomStream) -> [Int] {
    guard !places.isEmpty else { return [] }
    return (0..<count).map { index in
      places[Int(stream.block(UInt64(index)).0.multipliedFullWidth(by: UInt64(places.count)).high)]
    }
  }

  /// The number of draws used to find out what a rule uses.
  static let probes = 8

  /// Whether other anchors, and other training samples, would lead to another threshold.
  func whatCounts(seed: UInt64) throws -> (anchors: Bool, samples: Bool) {
    let present = try nilIfTooLittle { try decided(Draw(anchors: anchors, training: training)).thresholds }
    func moves(_ unit: ThresholdBootstrap.Unit) throws -> Bool {
      try (0..<Self.probes).contains { number in
        try Interruption.check()
        return try nilIfTooLittle { try decided(draw(number, of: unit, more: 0, seed: seed)).thresholds } != present
      }
    }
    let haveScale = parts != nil || calibratesClients
    return (try !anchored.isEmpty && (haveScale || moves(.anchors)), try moves(.samples))
  }
}

// MARK: - Deciding

extension ThresholdEvidence {
  /// The outcome of a draw; nil if it has too little data for a threshold.
  func outcome(of draw: Draw) throws -> Outcome? {
    guard let (thresholds, scores) = try nilIfTooLittle({ try decided(draw) }) else { return nil }
    let all = anchors.joined().compactMap { scores[$0] }
    let here = Statistics(all)
    let deviations = thresholds.map { here.deviation > 0 ? ($0 - here.mean) / here.deviation : .nan }
    // Thresholds on recomputed scales can only be compared relative to the anchors.
    let isRescaled = (parts != nil || calibratesClients) && here.deviation > 0
    var agrees = [Bool](repeating: false, count: rows.count)
    for (order, group) in groups.enumerated() {
      for index in group.places {
        guard let kept = kept[index] else { continue }
        agrees[index] = kept == (scores[index].map { $0 >= thresholds[order] } ?? false)
      }
    }
    return Outcome(
      thresholds: isRescaled ? deviations.map { reference.mean + $0 * reference.deviation } : thresholds,
      deviations: deviations, agrees: agrees)
  }

  /// The thresholds of a draw, and the scores of all rows on its scale.
  private func decided(_ draw: Draw) throws -> (thresholds: [Double], scores: [Double?]) {
    let scores = try rescored(draw)
    let inputs = groups.enumerated().map { order, group in
      LeaveOneOut.input(group.client, draw.training[order] + draw.anchors[order], rows, scores)
    }
    return (try decide(inputs), scores)
  }

  /// The scores of all rows on the scales of the drawn anchors.
  private func rescored(_ draw: Draw) throws -> [Double?] {
    var scores = scores
    let drawn = parts.map { _ in
      ScoreParts(
        ScoreTable(rows: draw.anchors.joined().map { rows[$0] }, scorers: scorers, combination: combination))
    }
    // Which anchors count as a client's own: a client that is not drawn itself still has all of its own.
    let own = draw.keepsClientScales ? parts : drawn
    if let parts, let drawn, let own {
      let scales = isCalibratedFirst ? [] : try drawn.scales()
      let centres = isCalibratedFirst ? [:] : own.centres(scales)
      for group in groups {
        let scales = isCalibratedFirst ? try own.scales(of: group.client) : scales
        let centre = centres[group.client] ?? scales.map(\.mean)
        for index in group.places { scores[index] = parts.total(of: index, scales, centres: centre) }
      }
    }
    guard calibratesClients, !isCalibratedFirst else { return scores }
    for (order, group) in groups.enumerated() {
      let own = draw.keepsClientScales ? anchors[order] : draw.anchors[order]
      let scale = Statistics(own.compactMap { scores[$0] })
      guard scale.count >= 2, scale.deviation > 0 else {
        throw Failure(.badData, "a draw of anchors gives no scale", client: group.client)
      }
      for index in group.places { scores[index] = scores[index].map { ($0 - scale.mean) / scale.deviation } }
    }
    return scores
  }

  /// Whether each scorer is calibrated by client before shortfalls are taken; else the totals are.
  private var isCalibratedFirst: Bool { calibratesClients && parts != nil && combination == .shortfall }
}
