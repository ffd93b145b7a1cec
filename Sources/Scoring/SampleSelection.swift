import Diagnostics
import JSON
import PluginHost
import Recipes
import Synchronization

/// Which samples are kept, and why.
package struct SampleSelection: Sendable {
  package let rule: String
  package let parameters: JSONValue
  package let calibratesClients: Bool
  /// The scores with `kept` filled in.
  package let table: ScoreTable
  package let clients: [ClientSelection]
  /// The anchors of all clients.
  package let anchors: Statistics
  /// How certain the threshold is; nil if not requested, if whole clients are scored, or if it was decided elsewhere.
  package let bootstrap: ThresholdBootstrap?
  /// For a threshold that was sent to clients, those whose anchors or validation data differ from what it was decided with.
  let mismatchedClients: [String]
  /// The rule's remarks on its decision, estimates and fallbacks.
  package let remarks: [Note]

  /// One client's part in the selection.
  package struct ClientSelection: Sendable {
    package let client: String
    package let threshold: Double
    package let anchors: Statistics
    /// The distance of the client's anchors from those of all clients, in scores.
    package let anchorOffset: Double
    package let kept: Int
    package let scored: Int
    package let unscored: Int
    /// The sum of the kept scores' distances above the threshold.
    package let excess: Double
    /// How many of its dropped samples fall short most in each respect, in the order of the scorers; empty if scores are not
    /// combined by shortfall.
    let shortOf: [(respect: String, count: Int)]
    /// Anchors without a score, which the threshold cannot use.
    let unscoredAnchors: Int
    /// How far its anchors move the others' threshold; nil without anchors, with one client, and if the threshold was decided
    /// elsewhere.
    package let influence: AnchorInfluence?

    package init(
      client: String, threshold: Double, anchors: Statistics, anchorOffset: Double, kept: Int, scored: Int,
      unscored: Int, excess: Double, shortOf: [(respect: String, count: Int)], unscoredAnchors: Int,
      influence: AnchorInfluence?
    ) {
      self.client = client
      self.threshold = threshold
      self.anchors = anchors
      self.anchorOffset = anchorOffset
      self.kept = kept
      self.scored = scored
      self.unscored = unscored
      self.excess = excess
      self.shortOf = shortOf
      self.unscoredAnchors = unscoredAnchors
      self.influence = influence
    }

    package var total: Int { scored + unscored }
    package var keptShare: Double { total > 0 ? Double(kept) / Double(total) : 0 }
  }

  /// The one threshold for everybody, if there is one.
  package var globalThreshold: Double? {
    let thresholds = Set(clients.map(\.threshold))
    return thresholds.count == 1 ? thresholds.first : nil
  }

  /// Applies a threshold rule to scores.
  package init(
    _ scores: ScoreTable, rule: ThresholdRulePlugin, parameters: ParameterValues, calibratesClients: Bool,
    services: HostServices, bootstrap settings: ThresholdBootstrap.Settings? = nil
  ) throws {
    let calibrated = calibratesClients ? try scores.checked().calibrated() : try scores.checked()
    let values = calibrated.rows.map(\.score.value)
    let inputs = calibrated.groups.map { group in
      LeaveOneOut.input(group.client, group.places, calibrated.rows, values)
    }
    let heard = Remarks(of: rule.about.id)
    let thresholds = try rule.thresholds(for: inputs, parameters, services: heard.services(services))
    let remarks = heard.notes
    let influences = try LeaveOneOut(
      table: scores, calibrated: calibrated, calibratesClients: calibratesClients, thresholds: thresholds,
      decide: { try rule.thresholds(for: $0, parameters, services: heard.services(services)) }
    ).influences()
    let evidence = ThresholdEvidence(
      scores, calibrated: calibrated, calibratesClients: calibratesClients, thresholds: thresholds,
      // The rule's remarks on draws are not about the selection.
      decide: { try rule.thresholds(for: $0, parameters, services: HostServices(isCancelled: services.isCancelled)) })
    self.init(
      scores, calibrated, thresholds: Dictionary(uniqueKeysWithValues: zip(inputs.map(\.client), thresholds)),
      rule: rule.about.id, parameters: parameters.json, calibratesClients: calibratesClients, influences: influences,
      remarks: remarks, bootstrap: try settings.flatMap { try ThresholdBootstrap(evidence, $0) })
  }

  /// Applies thresholds decided elsewhere.
  package init(_ scores: ScoreTable, decided: DecidedThreshold) throws {
    let scores = try scores.rescaled(decided.scorers, decided.combination)
    let calibrated = decided.calibratesClients ? try scores.calibrated() : scores
    let thresholds = try calibrated.clients.map { ($0, try decided.threshold(for: $0)) }
    self.init(
      scores, calibrated, thresholds: Dictionary(uniqueKeysWithValues: thresholds), rule: decided.rule,
      parameters: decided.parameters, calibratesClients: decided.calibratesClients,
      mismatchedClients: scores.clients.filter { client in
        guard let mine = scores.evidence[client], let theirs = decided.evidence[client] else { return false }
        return mine != theirs
      })
  }

  private init(
    _ scores: ScoreTable, _ calibrated: ScoreTable, thresholds: [String: Double], rule: String, parameters: JSONValue,
    calibratesClients: Bool, influences: [AnchorInfluence?] = [], mismatchedClients: [String] = [],
    remarks: [Note] = [],
    bootstrap: ThresholdBootstrap? = nil
  ) {
    self.mismatchedClients = mismatchedClients
    self.remarks = remarks
    self.bootstrap = bootstrap
    self.rule = rule
    self.parameters = parameters
    self.calibratesClients = calibratesClients
    let pooled = Statistics(calibrated.rows.filter(\.isAnchor).compactMap { $0.score.value })
    anchors = pooled
    var table = scores
    for index in table.rows.indices { table.rows[index].shortfalls = calibrated.rows[index].shortfalls }
    for index in table.rows.indices where table.rows[index].isTrain {
      let threshold = thresholds[table.rows[index].client] ?? .infinity
      table.rows[index].kept = calibrated.rows[index].score.value.map { $0 >= threshold } ?? false
    }
    self.table = table
    clients = scores.groups.enumerated().map { order, group in
      let (client, places) = group
      let anchors = Statistics(
        places.filter { scores.rows[$0].isAnchor }.compactMap { calibrated.rows[$0].score.value })
      let train = places.filter { scores.rows[$0].isTrain }
      let kept = train.filter { table.rows[$0].kept == true }
      let threshold = thresholds[client] ?? .infinity
      let scored = train.count { calibrated.rows[$0].score.value != nil }
      return ClientSelection(
        client: client, threshold: threshold, anchors: anchors, anchorOffset: anchors.mean - pooled.mean,
        kept: kept.count, scored: scored, unscored: train.count - scored,
        excess: kept.reduce(0) { $0 + ((calibrated.rows[$1].score.value ?? threshold) - threshold) },
        shortOf: scores.combination == .shortfall
          ? scores.scorers.flatMap(\.respects).map { respect in
            (respect, train.count { table.rows[$0].kept == false && table.rows[$0].shortOf == respect })
          } : [],
        unscoredAnchors: places.count { scores.rows[$0].isAnchor } - anchors.count,
        influence: influences.indices.contains(order) ? influences[order] : nil)
    }
  }

  /// The ids of the kept samples of a client, in order, one per line.
  package func keptIds(of client: String) -> String {
    table.rows.reduce(into: "") { text, row in
      if row.client == client, row.kept == true { text += row.id + "\n" }
    }
  }
}

extension ScoreTable {
  /// The scores of each client standardised by its own anchors: (S − mean) / deviation; for scores combined by shortfall, those
  /// of each scorer.
  ///
  /// - throws: ``Failure`` `badData` if a client's anchors do not give a scale.
  func calibrated() throws -> ScoreTable {
    if combination == .shortfall { return try calibratedShortfalls() }
    var copy = self
    for (client, places) in groups {
      let anchors = Statistics(places.filter { rows[$0].isAnchor }.compactMap { rows[$0].score.value })
      guard anchors.count >= 2, anchors.deviation > 0 else { throw Self.uncalibrated(client, anchors) }
      for index in places {
        if let value = rows[index].score.value {
          copy.rows[index].score = .value((value - anchors.mean) / anchors.deviation)
        }
      }
    }
    return try copy.checked()
  }

  static func uncalibrated(_ client: String, _ anchors: Statistics, by scorer: String? = nil) -> Failure {
    Failure(
      .badData,
      "its scores\(scorer.map { " of '\($0)'" } ?? "") cannot be calibrated: it has \(anchors.count) scored anchors"
        + (anchors.count >= 2 ? ", all with the same score" : ""),
      advice: "calibration needs at least two anchors with different scores; or set select.calibrate to none",
      client: client)
  }
}

/// What a threshold rule logs. It is reported for the selection itself, not for the trial runs. Locked because a rule may log
/// from any thread.
private final class Remarks: Sendable {
  private let rule: String
  // Locked because a rule may send notes from any thread.
  private let heard = Mutex<[Note]>([])

  init(of rule: String) { self.rule = rule }

  var notes: [Note] { heard.withLock { $0 } }

  /// The same services with a separate log.
  func services(_ services: HostServices) -> HostServices {
    HostServices(
      log: { _, level, text in
        guard level != .debug else { return }
        let text = "\(self.rule): \(text)"
        self.heard.withLock { $0.append(level == .warning ? .warning(text) : .info(text)) }
      },
      isCancelled: services.isCancelled)
  }
}
