import Diagnostics

/// The scores of single scorers, column by column, and how they are summed.
///
/// total(z) = Σ over scorers of weight · (score − mean) / deviation, with one mean and one deviation for everybody, those
/// of all anchors: so the sum stays on one scale, which one global threshold needs.
struct ScoreParts {
  let scorers: [ScoreTable.Scorer]
  /// Of every scorer, the score of every row; nil where there is none.
  private let columns: [[Double?]]
  private let rows: [ScoreTable.Row]

  init(_ table: ScoreTable) {
    scorers = table.scorers
    rows = table.rows
    columns = zip(table.scorers.indices, ScoreTable.Scorer.names(of: table.scorers)).map { place, name in
      table.rows.map { row in
        // Written by Clues, the parts stand in the order of the scorers.
        if row.parts.indices.contains(place), row.parts[place].scorer == name { return row.parts[place].score }
        return row.parts.first { $0.scorer == name }?.score ?? nil
      }
    }
  }

  /// Mean and deviation of the anchors under every scorer.
  ///
  /// - parameter client: A client whose anchors do not count.
  /// - throws: ``Failure`` `badData` when the anchors do not make a scale.
  func scales(without client: String? = nil) throws -> [ScoreTable.Scorer.Scale] {
    let anchors = rows.indices.filter { rows[$0].isAnchor && rows[$0].client != client }
    return try zip(scorers, columns).map { scorer, column in
      let statistics = Statistics(anchors.compactMap { column[$0] })
      guard statistics.count >= 2, statistics.deviation > 0 else {
        throw Failure(
          .badData,
          "the scores of '\(scorer.id)' cannot be standardised: there are \(statistics.count) scored anchors"
            + (statistics.count >= 2 ? ", all with the same score" : ""),
          advice: "several scorers are summed on the scale of the anchors: bring at least two, take one scorer, or sum "
            + "the scores of all clients: clues select A.jsonl B.jsonl")
      }
      return .init(mean: statistics.mean, deviation: statistics.deviation)
    }
  }

  /// The total of every row; nil where a scorer has no score.
  func sums(_ scales: [ScoreTable.Scorer.Scale]) -> [Double?] {
    rows.indices.map { row in
      var sum = 0.0
      for (place, scale) in scales.enumerated() {
        guard let score = columns[place][row] else { return nil }
        sum += scorers[place].weight * (score - scale.mean) / scale.deviation
      }
      return sum
    }
  }

  /// The first scorer that has no score of a row.
  func missing(in row: Int) -> String? {
    columns.firstIndex { $0[row] == nil }.map { ScoreTable.Scorer.names(of: scorers)[$0] }
  }
}

extension ScoreTable {
  /// Several scorers side by side: the scores of each are the parts of the rows, which have no total yet.
  static func together(_ tables: [(table: ScoreTable, weight: Double)]) -> ScoreTable {
    guard tables.count > 1, let first = tables.first?.table else { return tables[0].table }
    let names = Scorer.names(of: tables.map { $0.table.scorers[0] })
    var rows = first.rows
    for place in rows.indices {
      var reason: String?
      for (table, _) in tables {
        if case .unscored(let why) = table.rows[place].score { reason = reason ?? "\(table.scorers[0].id): \(why)" }
      }
      rows[place].score = .unscored(reason ?? Self.notSummed)
      rows[place].parts = zip(names, tables).map { ($0, $1.table.rows[place].score.value) }
      rows[place].checkpoints = []
    }
    let scorers = tables.map { table, weight in
      let scorer = table.scorers[0]
      return Scorer(
        id: scorer.id, version: scorer.version, parameters: scorer.parameters, weight: weight, scale: nil)
    }
    return ScoreTable(rows: rows, scorers: scorers, evidence: first.evidence)
  }

  /// Why a sample has no total before its scores are summed.
  static let notSummed = "its scores are not summed: that takes the anchors of all clients"

  /// Whether the scores are those of several scorers without a total.
  var isUnsummed: Bool { scorers.count > 1 && scorers.contains { $0.scale == nil } }

  /// The table with totals on the scale of all its anchors.
  ///
  /// - throws: ``Failure`` `badData` when the anchors do not make a scale.
  func standardised() throws -> ScoreTable {
    guard scorers.count > 1 else { return self }
    let parts = ScoreParts(self)
    return try summed(parts, on: parts.scales())
  }

  /// The table with totals on these scales.
  func summed(_ parts: ScoreParts, on scales: [Scorer.Scale]) throws -> ScoreTable {
    var copy = self
    for (place, sum) in parts.sums(scales).enumerated() {
      guard let sum else {
        // Unscored by one scorer is unscored; a row that has a total must have its parts.
        if case .unscored = rows[place].score { continue }
        throw Failure(
          .badData, "the sample '\(rows[place].id)' has no score of '\(parts.missing(in: place) ?? "")'",
          advice: "score with the same scorers as the operator", client: rows[place].client)
      }
      copy.rows[place].score = sum.isFinite ? .value(sum) : .unscored("the sum of its scores is no number")
    }
    copy.scorers = zip(parts.scorers, scales).map { scorer, scale in
      Scorer(
        id: scorer.id, version: scorer.version, parameters: scorer.parameters, weight: scorer.weight, scale: scale)
    }
    return try copy.checked()
  }
}
