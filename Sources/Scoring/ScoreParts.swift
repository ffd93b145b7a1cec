import Diagnostics
import Recipes

/// The scores of the individual scorers, column by column, and how they become one.
///
/// With z = (score − centre) / deviation:
///
///     sum        total = Σ over scorers of weight · z
///     shortfall  total = Σ over scorers of weight · min(z, 0), minus weight · max(z − 2, 0) for a scorer with both sides
///
/// There is one deviation for all, so that the totals of all clients are on one scale, as one global threshold requires. In
/// a sum the centre is the mean of all anchors. In a shortfall, where it decides what counts at all, a client has its own
/// centre as far as the anchors show that clients differ (``ScoreTable/Scorer/Scale/centre(of:)``).
struct ScoreParts {
  let scorers: [ScoreTable.Scorer]
  private let combination: Recipe.Combination
  /// For every scorer, the score of every row; nil if there is none.
  private let columns: [[Double?]]
  private let rows: [ScoreTable.Row]
  /// The clients in order, each with its anchors' scores by every scorer.
  private let clients: [(name: String, anchors: [Statistics])]

  init(_ table: ScoreTable) {
    scorers = table.scorers
    combination = table.combination ?? .sum
    rows = table.rows
    let columns = table.scorers.enumerated().map { index, scorer in
      table.rows.map { row in
        // If Clues wrote them, the parts are in the order of the scorers.
        if row.parts.indices.contains(index), row.parts[index].scorer == scorer.name { return row.parts[index].score }
        return row.parts.first { $0.scorer == scorer.name }?.score ?? nil
      }
    }
    self.columns = columns
    clients = table.groups.map { client, places in
      let anchors = places.filter { table.rows[$0].isAnchor }
      return (client, columns.map { column in Statistics(anchors.compactMap { column[$0] }) })
    }
  }

  /// The scale of the anchors for every scorer.
  ///
  /// - parameter client: A client whose anchors do not count.
  /// - throws: ``Failure`` `badData` if the anchors do not give a scale.
  func scales(without client: String? = nil) throws -> [ScoreTable.Scorer.Scale] {
    let places = rows.indices.filter { rows[$0].isAnchor && rows[$0].client != client }
    let others = clients.filter { $0.name != client }
    return try scorers.indices.map { scorer in
      let all = Statistics(places.compactMap { columns[scorer][$0] })
      guard let pooled = ScoreTable.Scorer.Scale(all) else {
        throw Failure(
          .badData,
          "the scores of '\(scorers[scorer].name)' cannot be standardised: there are \(all.count) scored anchors"
            + (all.count >= 2 ? ", all with the same score" : ""),
          advice:
            "several scorers are combined on the scale of the anchors: provide at least two anchors, use one scorer, or "
            + "pool the scores of all clients: clues select A.jsonl B.jsonl")
      }
      return combination == .sum ? pooled : pooled.divided(others.map { $0.anchors[scorer] })
    }
  }

  /// Mean and deviation of one client's anchors for every scorer.
  ///
  /// - throws: ``Failure`` `badData` that names the client if its anchors do not give a scale.
  func scales(of client: String) throws -> [ScoreTable.Scorer.Scale] {
    let anchors = clients.first { $0.name == client }?.anchors ?? []
    return try zip(scorers, anchors).map { scorer, anchors in
      guard let scale = ScoreTable.Scorer.Scale(anchors) else {
        throw ScoreTable.uncalibrated(client, anchors, by: scorer.name)
      }
      return scale
    }
  }

  /// A scorer's term of a total.
  typealias Term = (value: Double, isAbove: Bool)

  /// The centre of each client's scores for every scorer.
  ///
  /// - parameter client: A client whose anchors do not count.
  func centres(_ scales: [ScoreTable.Scorer.Scale], without client: String? = nil) -> [String: [Double]] {
    Dictionary(
      uniqueKeysWithValues: clients.map { name, anchors in
        (name, zip(scales, anchors).map { $0.centre(of: name == client ? Statistics([]) : $1) })
      })
  }

  /// Every scorer's term of the total of every row; nil if a scorer has no score.
  ///
  /// - parameter client: A client whose anchors do not count.
  func terms(_ scales: [ScoreTable.Scorer.Scale], without client: String? = nil) -> [[Term]?] {
    let centres = centres(scales, without: client)
    return rows.indices.map { row in centres[rows[row].client].flatMap { terms(of: row, scales, centres: $0) } }
  }

  /// Every scorer's term of the total of one row; nil if a scorer has no score.
  ///
  /// - parameter centres: The centre of the row's client for every scorer.
  func terms(of row: Int, _ scales: [ScoreTable.Scorer.Scale], centres: [Double]) -> [Term]? {
    var terms: [Term] = []
    for (index, scale) in scales.enumerated() {
      guard let score = columns[index][row] else { return nil }
      let scorer = scorers[index]
      switch combination {
      case .sum: terms.append((scorer.weight * (score - centres[index]) / scale.deviation, false))
      case .shortfall:
        let z = (score - centres[index]) / scale.deviation
        let shortfall = (scorer.side ?? .low).shortfall(z)
        terms.append((scorer.weight * shortfall, z > 0 && shortfall < 0))
      }
    }
    return terms
  }

  /// The total of every row; nil if a scorer has no score.
  ///
  /// - parameter client: A client whose anchors do not count.
  func totals(_ scales: [ScoreTable.Scorer.Scale], without client: String) -> [Double?] {
    terms(scales, without: client).map { $0?.reduce(0) { $0 + $1.value } }
  }

  /// The total of a row on other anchors' scales; nil if a scorer has no score.
  ///
  /// - parameter centres: The centre of the row's client for every scorer.
  func total(of row: Int, _ scales: [ScoreTable.Scorer.Scale], centres: [Double]) -> Double? {
    terms(of: row, scales, centres: centres)?.reduce(0) { $0 + $1.value }
  }

  /// The terms with the names of their scorers, for scores combined by shortfall.
  func shortfalls(_ terms: [Term]) -> [ScoreTable.Shortfall] {
    combination == .shortfall
      ? zip(scorers, terms).map { .init(scorer: $0.name, value: $1.value, isAbove: $1.isAbove) } : []
  }

  /// The first scorer without a score for a row.
  func missing(in row: Int) -> String? { columns.firstIndex { $0[row] == nil }.map { scorers[$0].name } }
}

extension Recipe.Side {
  /// How many deviations above the anchors' mean a score may be without being suspect. A sample may well be better than the
  /// anchors; what is better than nearly all of them is suspect, and the best of thirty lies about there.
  private static let ample = 2.0

  /// The shortfall of a score that lies z deviations above the anchors' mean, 0 or less.
  func shortfall(_ z: Double) -> Double {
    if z < 0 { return z }
    return self == .both && z > Self.ample ? Self.ample - z : 0
  }
}

extension ScoreTable.Scorer.Scale {
  /// Nil if the anchors do not give a scale.
  package init?(_ anchors: Statistics) {
    guard anchors.count >= 2, anchors.deviation > 0 else { return nil }
    self.init(mean: anchors.mean, deviation: anchors.deviation)
  }

  /// The same scale with the deviation split into that within clients and that between them.
  ///
  /// By the method of moments for a random-effects model (DerSimonian and Laird 1986, unweighted): the part of the variance of
  /// the clients' means that the anchors' own deviation explains by chance is not between clients.
  func divided(_ clients: [Statistics]) -> Self {
    let clients = clients.filter { $0.count > 0 }
    let free = clients.reduce(0) { $0 + $1.count - 1 }
    let squares = clients.reduce(0) { $0 + $1.deviation * $1.deviation * Double($1.count - 1) }
    // With one anchor each, or if none differ, the two deviations cannot be told apart.
    guard free > 0, squares > 0 else { return self }
    let within = squares / Double(free)
    let spread = Statistics(clients.map(\.mean)).deviation
    let chance = within * clients.reduce(0) { $0 + 1 / Double($1.count) } / Double(clients.count)
    return .init(
      mean: mean, deviation: within.squareRoot(), between: max(0, spread * spread - chance).squareRoot())
  }

  /// The centre of a client's scores: the mean of all anchors, shifted towards that of its own as far as clients differ and
  /// it has many anchors (the empirical Bayes estimate of James and Stein).
  func centre(of own: Statistics) -> Double {
    guard between > 0, own.count > 0 else { return mean }
    let variance = between * between
    return mean + (own.mean - mean) * variance / (variance + deviation * deviation / Double(own.count))
  }
}

extension ScoreTable {
  /// Several scorers side by side: their scores become the parts of the rows, which have no total yet.
  ///
  /// - parameter tables: One scorer each, all with the same rows.
  package static func together(_ tables: [ScoreTable], _ combination: Recipe.Combination?) -> ScoreTable {
    guard tables.count > 1, let first = tables.first else { return tables[0] }
    let scorers = tables.map { $0.scorers[0] }
    var rows = first.rows
    for index in rows.indices {
      var reason: String?
      for (table, scorer) in zip(tables, scorers) {
        if case .unscored(let why) = table.rows[index].score { reason = reason ?? "\(scorer.name): \(why)" }
      }
      rows[index].score = .unscored(reason ?? Self.notCombined)
      rows[index].parts = zip(scorers, tables).map { ($0.name, $1.rows[index].score.value) }
      rows[index].checkpoints = []
    }
    return ScoreTable(rows: rows, scorers: scorers, combination: combination, evidence: first.evidence)
  }

  /// Why a sample has no total before its scores are combined.
  static let notCombined = "its scores are not combined: that requires the anchors of all clients"

  /// Whether the scores are those of several scorers without a total.
  package var isUncombined: Bool { scorers.count > 1 && scorers.contains { $0.scale == nil } }

  /// The table with totals on the scale of all its anchors.
  ///
  /// - throws: ``Failure`` `badData` if the anchors do not give a scale.
  package func standardised() throws -> ScoreTable {
    guard scorers.count > 1 else { return self }
    let parts = ScoreParts(self)
    return try combined(parts, on: parts.scales())
  }

  /// The table with totals on these scales.
  func combined(_ parts: ScoreParts, on scales: [Scorer.Scale]) throws -> ScoreTable {
    var copy = self
    for (index, terms) in parts.terms(scales).enumerated() {
      guard let terms else {
        // A sample unscored by one scorer is unscored; a row with a total must have its parts.
        if case .unscored = rows[index].score { continue }
        throw Failure(
          .badData, "the sample '\(rows[index].id)' has no score of '\(parts.missing(in: index) ?? "")'",
          advice: "score with the same scorers as the operator", client: rows[index].client)
      }
      copy.rows[index].set(terms, parts)
    }
    copy.scorers = zip(parts.scorers, scales).map { scorer, scale in
      var scorer = scorer
      scorer.scale = scale
      return scorer
    }
    return try copy.checked()
  }

  /// The totals with each client's scores standardised by its own anchors, scorer by scorer, before shortfalls are taken.
  ///
  /// A shortfall cuts off what lies above the anchors of all clients, so calibrating the total by client would be too late.
  ///
  /// - throws: ``Failure`` `badData` when a client's anchors do not make a scale.
  func calibratedShortfalls() throws -> ScoreTable {
    let parts = ScoreParts(self)
    var copy = self
    for (client, places) in groups {
      let scales = try parts.scales(of: client)
      for index in places where rows[index].score.value != nil {
        if let terms = parts.terms(of: index, scales, centres: scales.map(\.mean)) {
          copy.rows[index].set(terms, parts)
        }
      }
    }
    return try copy.checked()
  }
}

extension ScoreTable.Row {
  fileprivate mutating func set(_ terms: [ScoreParts.Term], _ parts: ScoreParts) {
    let total = terms.reduce(0) { $0 + $1.value }
    score = total.isFinite ? .value(total) : .unscored("the sum of its scores is not a number")
    shortfalls = total.isFinite ? parts.shortfalls(terms) : []
  }
}
