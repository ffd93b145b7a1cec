import Diagnostics
import JSON
import PluginHost

/// How far the anchors of one client move the threshold of the others: the selection with them against that without.
public struct AnchorInfluence: Sendable, Equatable {
  /// Whether the others would have no threshold at all, because too few anchors are left.
  public let isAlone: Bool
  /// The threshold of the others without these anchors; nil where they have none, or different ones.
  public let threshold: Double?
  /// How far the threshold moves for these anchors, in standard deviations of the other clients' anchors. Where several
  /// scorers are summed, the anchors move the scale, too: threshold and deviation are then each those of their scale.
  /// Nil where the other clients have no two different anchors.
  public let deviations: Double?
  /// Of the other clients' training samples, how many are decided otherwise without these anchors.
  public let decisions: Int
  /// How many training samples the other clients have.
  public let others: Int

  /// Whether one client decides too much: its anchors move the threshold by more than a deviation of all others'
  /// anchors, or turn more than a quarter of the other clients' decisions.
  public var isFar: Bool { abs(deviations ?? 0) > 1 || 4 * decisions > others }

  var json: JSONValue {
    [
      "threshold_without": threshold.map { number($0) } ?? .null, "deviations": deviations.map { number($0) } ?? .null,
      "decisions": JSONValue(decisions), "of": JSONValue(others),
    ]
  }
}

/// The selection with the anchors of one client left out after another.
struct LeaveOneOut {
  let table: ScoreTable
  /// The scores that the thresholds are set on: those of the table, or each client's on a scale of its own.
  let calibrated: ScoreTable
  let calibratesClients: Bool
  /// Of every client, in order.
  let thresholds: [Double]
  let decide: ([ThresholdRulePlugin.ClientScores]) throws -> [Double]

  /// What the anchors of each client do; nil of clients without, and of all where there is one client.
  func influences() -> [AnchorInfluence?] {
    let groups = table.groups
    guard groups.count > 1 else { return groups.map { _ in nil } }
    let parts = table.scorers.count > 1 && !table.isUnsummed ? ScoreParts(table) : nil
    return groups.indices.map { influence(of: $0, groups, parts) }
  }

  private typealias Group = (client: String, places: Range<Int>)

  private func influence(of left: Int, _ groups: [Group], _ parts: ScoreParts?) -> AnchorInfluence? {
    let rows = table.rows
    let before = calibrated.rows.map(\.score.value)
    guard groups[left].places.contains(where: { rows[$0].isAnchor && before[$0] != nil }) else { return nil }
    let others = rows.indices.filter { !groups[left].places.contains($0) }
    let training = others.filter { rows[$0].isTrain }
    let anchors = others.filter { rows[$0].isAnchor }
    let nothing = AnchorInfluence(isAlone: true, threshold: nil, deviations: nil, decisions: 0, others: training.count)
    guard let after = scores(without: left, groups, parts, before) else { return nothing }
    let inputs = groups.enumerated().map { place, group in
      Self.input(group.client, group.places.filter { place != left || rows[$0].isTrain }, rows, after)
    }
    guard let moved = try? decide(inputs) else { return nothing }
    let owners = groups.enumerated().flatMap { place, group in group.places.map { _ in place } }
    let decisions = training.count { place in
      (before[place].map { $0 >= thresholds[owners[place]] } ?? false)
        != (after[place].map { $0 >= moved[owners[place]] } ?? false)
    }
    // In deviations of the same anchors, whatever the scale is.
    let (old, new) = (Statistics(anchors.compactMap { before[$0] }), Statistics(anchors.compactMap { after[$0] }))
    let shifts = groups.indices.filter { $0 != left }.map { place in
      (thresholds[place] - old.mean) / old.deviation - (moved[place] - new.mean) / new.deviation
    }
    let farthest = shifts.filter(\.isFinite).max { abs($0) < abs($1) }
    let common = Set(groups.indices.filter { $0 != left }.map { moved[$0] })
    return AnchorInfluence(
      isAlone: false, threshold: common.count == 1 ? common.first : nil, deviations: farthest, decisions: decisions,
      others: training.count)
  }

  /// The scores of all rows once the client's anchors make no part of any scale.
  private func scores(
    without left: Int, _ groups: [Group], _ parts: ScoreParts?, _ before: [Double?]
  ) -> [Double?]? {
    guard let parts else { return before }
    guard let scales = try? parts.scales(without: groups[left].client) else { return nil }
    var scores = parts.sums(scales)
    guard calibratesClients else { return scores }
    for (place, group) in groups.enumerated() {
      let anchors = place == left ? [] : group.places.filter { table.rows[$0].isAnchor }
      let own = Statistics(anchors.compactMap { scores[$0] })
      for row in group.places {
        scores[row] = place == left ? before[row] : scores[row].map { ($0 - own.mean) / own.deviation }
      }
    }
    return scores
  }

  /// What a rule sees of a client: its scored samples.
  static func input(
    _ client: String, _ places: some Sequence<Int>, _ rows: [ScoreTable.Row], _ scores: [Double?]
  ) -> ThresholdRulePlugin.ClientScores {
    var input = ThresholdRulePlugin.ClientScores(client: client, values: [], splits: [])
    for place in places where rows[place].isTrain || rows[place].isAnchor {
      guard let score = scores[place] else { continue }
      input.values.append(score)
      input.splits.append(rows[place].isAnchor ? .anchor : .train)
    }
    return input
  }
}
