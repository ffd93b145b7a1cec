import Diagnostics
import JSON
import PluginHost

/// How far the anchors of one client move the others' threshold: the selection with them compared with that without.
package struct AnchorInfluence: Sendable, Equatable {
  /// Whether the others would have no threshold at all, because too few anchors would remain.
  let isAlone: Bool
  /// The others' threshold without these anchors; nil if they have none, or different ones.
  package let threshold: Double?
  /// How far the threshold moves because of these anchors, in standard deviations of the other clients' anchors. If several
  /// scorers are combined, the anchors move the scale too: threshold and deviation are then each on their own scale.
  /// Nil if the other clients' anchors do not differ.
  package let deviations: Double?
  /// The number of the other clients' training samples that are decided differently without these anchors.
  package let decisions: Int
  /// The number of training samples of the other clients.
  package let others: Int

  /// If several scorers are combined, the one whose scale these anchors stretch or shrink the most, and by what factor: a
  /// scorer on a stretched scale counts less in the total.
  let stretch: Stretch?

  struct Stretch: Sendable, Equatable {
    let scorer: String
    let factor: Double

    /// The factor, at least 1 in either direction.
    var size: Double { max(factor, 1 / factor) }
  }

  /// Whether one client decides too much: its anchors move the threshold by more than one deviation of all others' anchors,
  /// change more than a quarter of the other clients' decisions, or change the scale of a scorer more than threefold.
  var isFar: Bool { abs(deviations ?? 0) > 1 || 4 * decisions > others || isStretched }

  var isStretched: Bool { stretch.map { $0.size > 3 } ?? false }
}

/// Selections with each client's anchors left out in turn.
struct LeaveOneOut {
  let table: ScoreTable
  /// The scores on which thresholds are set: those of the table, or each client's on its own scale.
  let calibrated: ScoreTable
  let calibratesClients: Bool
  /// For every client, in order.
  let thresholds: [Double]
  let decide: ([ThresholdRulePlugin.ClientScores]) throws -> [Double]

  /// The influence of each client's anchors; nil for clients without anchors, and for all if there is only one client or if
  /// the clients themselves are scored.
  ///
  /// - throws: ``Failure`` if the rule fails for another reason than too few remaining anchors.
  func influences() throws -> [AnchorInfluence?] {
    let groups = table.groups
    guard groups.count > 1, groups.contains(where: { $0.places.count > 1 }) else { return groups.map { _ in nil } }
    // Shortfalls of calibrated clients are on the scale of each client's own anchors only.
    let hasCommonScale = !(calibratesClients && table.combination == .shortfall)
    let parts = table.scorers.count > 1 && !table.isUncombined && hasCommonScale ? ScoreParts(table) : nil
    return try groups.indices.map { try influence(of: $0, groups, parts) }
  }

  private typealias Group = (client: String, places: Range<Int>)

  private func influence(of left: Int, _ groups: [Group], _ parts: ScoreParts?) throws -> AnchorInfluence? {
    let rows = table.rows
    let before = calibrated.rows.map(\.score.value)
    guard groups[left].places.contains(where: { rows[$0].isAnchor && before[$0] != nil }) else { return nil }
    let others = rows.indices.filter { !groups[left].places.contains($0) }
    let training = others.filter { rows[$0].isTrain }
    let anchors = others.filter { rows[$0].isAnchor }
    let nothing = AnchorInfluence(
      isAlone: true, threshold: nil, deviations: nil, decisions: 0, others: training.count, stretch: nil)
    let scales = try nilIfTooLittle { try parts?.scales(without: groups[left].client) ?? [] }
    guard let scales else { return nothing }
    let after = scores(without: left, groups, parts, scales, before)
    let inputs = groups.enumerated().map { index, group in
      Self.input(group.client, group.places.filter { index != left || rows[$0].isTrain }, rows, after)
    }
    guard let moved = try nilIfTooLittle({ try decide(inputs) }) else { return nothing }
    let owners = groups.enumerated().flatMap { index, group in group.places.map { _ in index } }
    let decisions = training.count { index in
      (before[index].map { $0 >= thresholds[owners[index]] } ?? false)
        != (after[index].map { $0 >= moved[owners[index]] } ?? false)
    }
    // In deviations of the same anchors, on any scale.
    let (old, new) = (Statistics(anchors.compactMap { before[$0] }), Statistics(anchors.compactMap { after[$0] }))
    let shifts = groups.indices.filter { $0 != left }.map { index in
      (thresholds[index] - old.mean) / old.deviation - (moved[index] - new.mean) / new.deviation
    }
    let farthest = shifts.filter(\.isFinite).max { abs($0) < abs($1) }
    let common = Set(groups.indices.filter { $0 != left }.map { moved[$0] })
    return AnchorInfluence(
      isAlone: false, threshold: common.count == 1 ? common.first : nil, deviations: farthest, decisions: decisions,
      others: training.count, stretch: stretch(scales))
  }

  /// How the scales with all anchors differ from these.
  private func stretch(_ scales: [ScoreTable.Scorer.Scale]) -> AnchorInfluence.Stretch? {
    return scales.indices.compactMap { index in
      table.scorers[index].scale.map {
        .init(scorer: table.scorers[index].name, factor: $0.deviation / scales[index].deviation)
      }
    }.max { $0.size < $1.size }
  }

  /// The scores of all rows without the client's anchors in any scale.
  private func scores(
    without left: Int, _ groups: [Group], _ parts: ScoreParts?, _ scales: [ScoreTable.Scorer.Scale],
    _ before: [Double?]
  ) -> [Double?] {
    guard let parts else { return before }
    var scores = parts.totals(scales, without: groups[left].client)
    guard calibratesClients else { return scores }
    for (index, group) in groups.enumerated() {
      let anchors = index == left ? [] : group.places.filter { table.rows[$0].isAnchor }
      let own = Statistics(anchors.compactMap { scores[$0] })
      for row in group.places {
        scores[row] = index == left ? before[row] : scores[row].map { ($0 - own.mean) / own.deviation }
      }
    }
    return scores
  }

  /// What a rule sees of a client: its scored samples.
  static func input(
    _ client: String, _ places: some Sequence<Int>, _ rows: [ScoreTable.Row], _ scores: [Double?]
  ) -> ThresholdRulePlugin.ClientScores {
    var input = ThresholdRulePlugin.ClientScores(client: client, values: [], splits: [])
    for index in places where rows[index].isTrain || rows[index].isAnchor {
      guard let score = scores[index] else { continue }
      input.values.append(score)
      input.splits.append(rows[index].isAnchor ? .anchor : .train)
    }
    return input
  }
}

/// The result of `body`; nil if the remaining data is insufficient.
func nilIfTooLittle<Result>(_ body: () throws -> Result) throws -> Result? {
  do {
    return try body()
  } catch let failure as Failure where failure.kind == .badData {
    return nil
  }
}
