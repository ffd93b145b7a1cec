import Diagnostics
import Recipes

/// The scores of single scorers, column by column, and how they become one.
///
/// With z = (score − mean) / deviation, by one mean and one deviation for everybody, those of all anchors:
///
///     sum        total = Σ over scorers of weight · z
///     shortfall  total = Σ over scorers of weight · min(z, 0), less weight · max(z − 2, 0) for a scorer with both sides
///
/// So the totals of all clients are on one scale, which one global threshold needs.
struct ScoreParts {
  let scorers: [ScoreTable.Scorer]
  private let combination: Recipe.Combination
  /// Of every scorer, the score of every row; nil where there is none.
  private let columns: [[Double?]]
  private let rows: [ScoreTable.Row]

  init(_ table: ScoreTable) {
    scorers = table.scorers
    combination = table.combination ?? .sum
    rows = table.rows
    columns = table.scorers.enumerated().map { place, scorer in
      table.rows.map { row in
        // Written by Clues, the parts stand in the order of the scorers.
        if row.parts.indices.contains(place), row.parts[place].scorer == scorer.name { return row.parts[place].score }
        return row.parts.first { $0.scorer == scorer.name }?.score ?? nil
      }
    }
  }

  /// Mean and deviation of the anchors under every scorer.
  ///
  /// - parameter client: A client whose anchors do not count.
  /// - throws: ``Failure`` `badData` when the anchors do not make a scale.
  func scales(without client: String? = nil) throws -> [ScoreTable.Scorer.Scale] {
    let statistics = statistics { $0.client != client }
    return try zip(scorers, statistics).map { scorer, statistics in
      guard let scale = ScoreTable.Scorer.Scale(statistics) else {
        throw Failure(
          .badData,
          "the scores of '\(scorer.name)' cannot be standardised: there are \(statistics.count) scored anchors"
            + (statistics.count >= 2 ? ", all with the same score" : ""),
          advice: "several scorers are combined on the scale of the anchors: bring at least two, take one scorer, or "
            + "take the scores of all clients together: clues select A.jsonl B.jsonl")
      }
      return scale
    }
  }

  /// Mean and deviation of one client's anchors under every scorer.
  ///
  /// - throws: ``Failure`` `badData` that names the client when its anchors do not make a scale.
  func scales(of client: String) throws -> [ScoreTable.Scorer.Scale] {
    try zip(scorers, statistics { $0.client == client }).map { scorer, statistics in
      guard let scale = ScoreTable.Scorer.Scale(statistics) else {
        throw ScoreTable.uncalibrated(client, statistics, by: scorer.name)
      }
      return scale
    }
  }

  private func statistics(of isMeant: (ScoreTable.Row) -> Bool) -> [Statistics] {
    let anchors = rows.indices.filter { rows[$0].isAnchor && isMeant(rows[$0]) }
    return columns.map { column in Statistics(anchors.compactMap { column[$0] }) }
  }

  /// What every scorer adds to the total of a row; nil where a scorer has no score.
  func terms(of row: Int, _ scales: [ScoreTable.Scorer.Scale]) -> [Double]? {
    var terms: [Double] = []
    for (place, scale) in scales.enumerated() {
      guard let score = columns[place][row] else { return nil }
      let scorer = scorers[place]
      switch combination {
      case .sum: terms.append(scorer.weight * (score - scale.mean) / scale.deviation)
      case .shortfall:
        terms.append(scorer.weight * (scorer.side ?? .low).shortfall((score - scale.mean) / scale.deviation))
      }
    }
    return terms
  }

  /// The total of every row; nil where a scorer has no score.
  func totals(_ scales: [ScoreTable.Scorer.Scale]) -> [Double?] {
    rows.indices.map { terms(of: $0, scales)?.reduce(0, +) }
  }

  /// The terms with the names of their scorers, of scores that are combined by shortfall.
  func shortfalls(_ terms: [Double]) -> [(scorer: String, value: Double)] {
    combination == .shortfall ? zip(scorers, terms).map { ($0.name, $1) } : []
  }

  /// The first scorer that has no score of a row.
  func missing(in row: Int) -> String? { columns.firstIndex { $0[row] == nil }.map { scorers[$0].name } }
}

extension Recipe.Side {
  /// How far above the anchors' mean, in their deviations, a score is no worse than theirs. A sample may well be better
  /// than the anchors; suspect is what is better than nearly every one of them, and of thirty the best lies about there.
  private static let ample = 2.0

  /// What a score that lies z deviations above the anchors' mean falls short by, 0 or less.
  func shortfall(_ z: Double) -> Double {
    if z < 0 { return z }
    return self == .both && z > Self.ample ? Self.ample - z : 0
  }
}

extension ScoreTable.Scorer.Scale {
  /// Nil where the anchors make no scale.
  init?(_ anchors: Statistics) {
    guard anchors.count >= 2, anchors.deviation > 0 else { return nil }
    self.init(mean: anchors.mean, deviation: anchors.deviation)
  }
}

extension ScoreTable {
  /// Several scorers side by side: the scores of each are the parts of the rows, which have no total yet.
  ///
  /// - parameter tables: One scorer each, all with the same rows.
  static func together(_ tables: [ScoreTable], _ combination: Recipe.Combination?) -> ScoreTable {
    guard tables.count > 1, let first = tables.first else { return tables[0] }
    let scorers = tables.map { $0.scorers[0] }
    var rows = first.rows
    for place in rows.indices {
      var reason: String?
      for (table, scorer) in zip(tables, scorers) {
        if case .unscored(let why) = table.rows[place].score { reason = reason ?? "\(scorer.name): \(why)" }
      }
      rows[place].score = .unscored(reason ?? Self.notCombined)
      rows[place].parts = zip(scorers, tables).map { ($0.name, $1.rows[place].score.value) }
      rows[place].checkpoints = []
    }
    return ScoreTable(rows: rows, scorers: scorers, combination: combination, evidence: first.evidence)
  }

  /// Why a sample has no total before its scores are combined.
  static let notCombined = "its scores are not combined: that takes the anchors of all clients"

  /// Whether the scores are those of several scorers without a total.
  var isUncombined: Bool { scorers.count > 1 && scorers.contains { $0.scale == nil } }

  /// The table with totals on the scale of all its anchors.
  ///
  /// - throws: ``Failure`` `badData` when the anchors do not make a scale.
  func standardised() throws -> ScoreTable {
    guard scorers.count > 1 else { return self }
    let parts = ScoreParts(self)
    return try combined(parts, on: parts.scales())
  }

  /// The table with totals on these scales.
  func combined(_ parts: ScoreParts, on scales: [Scorer.Scale]) throws -> ScoreTable {
    var copy = self
    for place in rows.indices {
      guard let terms = parts.terms(of: place, scales) else {
        // Unscored by one scorer is unscored; a row that has a total must have its parts.
        if case .unscored = rows[place].score { continue }
        throw Failure(
          .badData, "the sample '\(rows[place].id)' has no score of '\(parts.missing(in: place) ?? "")'",
          advice: "score with the same scorers as the operator", client: rows[place].client)
      }
      copy.rows[place].set(terms, parts)
    }
    copy.scorers = zip(parts.scorers, scales).map { scorer, scale in
      var scorer = scorer
      scorer.scale = scale
      return scorer
    }
    return try copy.checked()
  }

  /// The totals with each client's scores standardised by its own anchors, scorer by scorer, before it falls short.
  ///
  /// What lies above the anchors of all is cut off in a shortfall, so that a scale of the client's own comes too late for
  /// the total.
  ///
  /// - throws: ``Failure`` `badData` when a client's anchors do not make a scale.
  func calibratedShortfalls() throws -> ScoreTable {
    let parts = ScoreParts(self)
    var copy = self
    for (client, places) in groups {
      let scales = try parts.scales(of: client)
      for place in places where rows[place].score.value != nil {
        if let terms = parts.terms(of: place, scales) { copy.rows[place].set(terms, parts) }
      }
    }
    return try copy.checked()
  }
}

extension ScoreTable.Row {
  fileprivate mutating func set(_ terms: [Double], _ parts: ScoreParts) {
    let total = terms.reduce(0, +)
    score = total.isFinite ? .value(total) : .unscored("the sum of its scores is no number")
    shortfalls = total.isFinite ? parts.shortfalls(terms) : []
  }
}
