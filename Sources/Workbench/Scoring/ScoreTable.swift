import Diagnostics
import JSON
import PluginHost

/// The scores of all samples, client by client, in the order of the evidence.
public struct ScoreTable: Sendable {
  public internal(set) var rows: [Row]

  /// How the scores came about; empty when a file of scores says nothing about it.
  public internal(set) var scorers: [Scorer]

  /// Of every client, digests of its anchors and validation data; empty when a file of scores says nothing about it.
  var evidence = JSONObject()

  /// One sample.
  public struct Row: Sendable {
    public let client: String
    public let split: String
    public let id: String
    public let domain: String?
    public var score: Score
    /// The score at every checkpoint, nil where there is none.
    public var checkpoints: [(step: Int, score: Double?)]
    /// The scores of the single scorers where several were summed, before they were standardised.
    public var parts: [(scorer: String, score: Double?)]
    /// Whether the selection keeps it; nil without a selection and for anchors.
    public var kept: Bool?
  }

  /// One scorer and how its scores went into the sum.
  public struct Scorer: Sendable, Equatable {
    public let id: String
    public let version: String
    public let parameters: JSONValue
    public let weight: Double
    /// Mean and standard deviation of the anchors, by which the scores were standardised; nil for a lone scorer.
    public let scale: Scale?

    /// What must agree for scores to be comparable: `clues 1.0.0 {"preset":"reference"}`.
    var identity: String { "\(id) \(version) \(parameters.text(sorted: true))" }

    /// The ids, with a number where one stands twice.
    static func names(of scorers: [Scorer]) -> [String] {
      scorers.indices.map { place in
        let earlier = scorers[..<place].count { $0.id == scorers[place].id }
        return earlier == 0 ? scorers[place].id : "\(scorers[place].id)-\(earlier + 1)"
      }
    }

    public struct Scale: Sendable, Equatable {
      public let mean: Double
      public let deviation: Double
    }
  }

  /// The clients in order.
  public var clients: [String] {
    rows.reduce(into: []) { names, row in if names.last != row.client { names.append(row.client) } }
  }
}

extension ScoreTable.Row {
  var isAnchor: Bool { split == PluginHost.Split.anchor.name }
  var isTrain: Bool { split == PluginHost.Split.train.name }
}

extension ScoreTable {
  /// Sums several scorers, each standardised by the anchors of all clients.
  ///
  /// With one mean and one deviation for everybody the sum stays on one scale, which one global threshold needs.
  ///
  /// - throws: ``Failure`` `badData` when the anchors do not make a scale.
  static func composed(_ tables: [(table: ScoreTable, weight: Double)]) throws -> ScoreTable {
    guard tables.count > 1, let first = tables.first?.table else { return tables[0].table }
    let scales = try tables.map { try scale(of: $0.table) }
    let names = Scorer.names(of: tables.map { $0.table.scorers[0] })
    var rows = first.rows
    for place in rows.indices {
      var sum = 0.0
      var reason: String?
      for ((table, weight), scale) in zip(tables, scales) {
        switch table.rows[place].score {
        case .value(let value): sum += weight * (value - scale.mean) / scale.deviation
        case .unscored(let why): reason = reason ?? "\(table.scorers[0].id): \(why)"
        }
      }
      let score: Score = sum.isFinite ? .value(sum) : .unscored("the sum of its scores is no number")
      rows[place].score = reason.map { .unscored($0) } ?? score
      rows[place].parts = zip(names, tables).map { ($0, $1.table.rows[place].score.value) }
      rows[place].checkpoints = []
    }
    let scorers = zip(tables, scales).map { table, scale in
      let scorer = table.table.scorers[0]
      return Scorer(
        id: scorer.id, version: scorer.version, parameters: scorer.parameters, weight: table.weight, scale: scale)
    }
    return ScoreTable(rows: rows, scorers: scorers, evidence: first.evidence)
  }

  private static func scale(of table: ScoreTable) throws -> Scorer.Scale {
    let anchors = Statistics(table.rows.filter(\.isAnchor).compactMap { $0.score.value })
    guard anchors.count >= 2, anchors.deviation > 0 else {
      throw Failure(
        .badData,
        "the scores of '\(table.scorers[0].id)' cannot be standardised: there are \(anchors.count) scored anchors"
          + (anchors.count >= 2 ? ", all with the same score" : ""),
        advice: "several scorers are summed on the scale of the anchors: bring at least two, or take one scorer")
    }
    return .init(mean: anchors.mean, deviation: anchors.deviation)
  }

  /// The sum as an operator made it, on the operator's scale instead of that of the anchors at hand.
  ///
  /// - throws: ``Failure`` `badData` when the scores are those of other scorers, versions or parameters.
  func rescaled(_ scorers: [Scorer]) throws -> ScoreTable {
    guard self.scorers.map(\.identity) == scorers.map(\.identity) else {
      let (mine, theirs) = (self.scorers.map(\.identity), scorers.map(\.identity))
      throw Failure(
        .badData,
        "the scores are of \(mine.isEmpty ? "nobody knows what" : mine.joined(separator: " + ")), but the threshold was "
          + "decided for \(theirs.isEmpty ? "nobody knows what" : theirs.joined(separator: " + "))",
        advice: "score with the operator's recipe, and keep the .origin.json file beside the scores")
    }
    guard scorers.count > 1 else { return self }
    let names = Scorer.names(of: scorers)
    var copy = self
    for place in rows.indices {
      guard rows[place].score.value != nil else { continue }
      let parts = Dictionary(rows[place].parts.map { ($0.scorer, $0.score) }) { first, _ in first }
      let sum = try zip(names, scorers).reduce(0.0) { sum, named in
        guard let part = parts[named.0] ?? nil, let scale = named.1.scale else {
          throw Failure(
            .badData, "the sample '\(rows[place].id)' has no score of '\(named.0)'",
            advice: "score with the same scorers as the operator", client: rows[place].client)
        }
        return sum + named.1.weight * (part - scale.mean) / scale.deviation
      }
      copy.rows[place].score = sum.isFinite ? .value(sum) : .unscored("the sum of its scores is no number")
    }
    copy.scorers = scorers
    return copy
  }
}

/// Count, mean, deviation and standard error of some numbers.
public struct Statistics: Sendable, Equatable {
  public let count: Int
  /// NaN of nothing.
  public let mean: Double
  /// The standard deviation of a sample, with n − 1; 0 of fewer than two.
  public let deviation: Double

  public var standardError: Double { count > 0 ? deviation / Double(count).squareRoot() : .nan }

  init(_ values: [Double]) {
    count = values.count
    let mean = values.isEmpty ? Double.nan : values.reduce(0, +) / Double(values.count)
    self.mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
  }
}
