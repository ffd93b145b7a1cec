import Diagnostics
import JSON
import PluginHost
import Recipes

/// The scores of all samples, client by client, in the order of the evidence.
package struct ScoreTable: Sendable {
  package var rows: [Row]

  /// The origin of the scores; empty if a file of scores does not record it.
  package var scorers: [Scorer]

  /// How the scores of several scorers become one; nil for a single scorer, and if a file does not record it.
  package var combination: Recipe.Combination?

  /// For every client, digests of its anchors and validation data; empty if a file of scores does not record them.
  package var evidence = JSONObject()

  package init(
    rows: [Row], scorers: [Scorer], combination: Recipe.Combination? = nil, evidence: JSONObject = JSONObject()
  ) {
    self.rows = rows
    self.scorers = scorers
    self.combination = combination
    self.evidence = evidence
  }

  /// One sample.
  package struct Row: Sendable {
    package let client: String
    package let split: String
    package let id: String
    package let domain: String?
    package var score: Score
    /// The score at every checkpoint, nil if there is none.
    package var checkpoints: [(step: Int, score: Double?)]
    /// The scores of the individual scorers if there are several, before they were standardised.
    package var parts: [(scorer: String, score: Double?)]
    /// Each scorer's term of a score combined by shortfall, in the order of the scorers.
    package var shortfalls: [Shortfall] = []
    /// Whether the selection keeps it; nil without a selection and for anchors.
    package var kept: Bool?

    package init(
      client: String, split: String, id: String, domain: String?, score: Score,
      checkpoints: [(step: Int, score: Double?)], parts: [(scorer: String, score: Double?)],
      shortfalls: [Shortfall] = [], kept: Bool? = nil
    ) {
      self.client = client
      self.split = split
      self.id = id
      self.domain = domain
      self.score = score
      self.checkpoints = checkpoints
      self.parts = parts
      self.shortfalls = shortfalls
      self.kept = kept
    }

    /// The respect in which the sample falls short most; nil if there is none.
    var shortOf: String? {
      shortfalls.min { $0.value < $1.value }.flatMap { $0.value < 0 ? $0.respect : nil }
    }
  }

  /// One scorer's term of a sample's score.
  package struct Shortfall: Sendable, Equatable {
    package let scorer: String
    /// 0 or less.
    package let value: Double
    /// Whether the sample lies above the anchors, not below.
    let isAbove: Bool

    var respect: String { Self.respect(scorer, isAbove: isAbove) }

    /// `perplexity`, or `perplexity (above)`, which cannot be a scorer's name.
    static func respect(_ scorer: String, isAbove: Bool) -> String { isAbove ? "\(scorer) (above)" : scorer }
  }

  /// One scorer and how its scores enter the total.
  package struct Scorer: Sendable, Equatable {
    package let id: String
    /// What its scores are called; unique within a table.
    package let name: String
    package let version: String
    package let parameters: JSONValue
    package var weight: Double
    /// Which scores count against a sample; nil if scores are not combined by shortfall.
    package var side: Recipe.Side?
    /// The scale of the anchors by which the scores were standardised; nil for a single scorer.
    package var scale: Scale?

    package init(
      id: String, name: String, version: String, parameters: JSONValue, weight: Double, side: Recipe.Side? = nil,
      scale: Scale? = nil
    ) {
      self.id = id
      self.name = name
      self.version = version
      self.parameters = parameters
      self.weight = weight
      self.side = side
      self.scale = scale
    }

    /// The respects in which a sample can fall short.
    var respects: [String] {
      (side == .both ? [false, true] : [false]).map { Shortfall.respect(name, isAbove: $0) }
    }

    /// What must be equal for scores to be comparable: `clues 1.0.0 {"preset":"reference"} as 'direction'`.
    package var identity: String {
      "\(id) \(version) \(parameters.text(sorted: true))" + (name == id ? "" : " as '\(name)'")
        + (side == .both ? " on both sides" : "")
    }

    package struct Scale: Sendable, Equatable {
      package let mean: Double
      /// That of the anchors; if scores are combined by shortfall, that of each client's anchors about their own mean.
      package let deviation: Double
      /// How far the clients' own means deviate from each other beyond chance; 0 if they do not, and in sums.
      var between = 0.0

      package init(mean: Double, deviation: Double, between: Double = 0.0) {
        self.mean = mean
        self.deviation = deviation
        self.between = between
      }
    }
  }

  /// The clients in order, each with the indices of its rows.
  package var groups: [(client: String, places: Range<Int>)] {
    var groups: [(client: String, places: Range<Int>)] = []
    for index in rows.indices {
      if groups.last?.client == rows[index].client {
        groups[groups.count - 1].places = groups[groups.count - 1].places.lowerBound..<index + 1
      } else {
        groups.append((rows[index].client, index..<index + 1))
      }
    }
    return groups
  }

  /// The clients in order.
  package var clients: [String] {
    rows.reduce(into: []) { names, row in if names.last != row.client { names.append(row.client) } }
  }
}

extension ScoreTable.Row {
  package var isAnchor: Bool { split == PluginHost.Split.anchor.name }
  package var isTrain: Bool { split == PluginHost.Split.train.name }
}

extension ScoreTable {
  /// The scorers and how they are combined, for a message.
  package static func text(_ scorers: [Scorer], _ combination: Recipe.Combination?) -> String {
    if scorers.isEmpty { return "unknown scorers" }
    return scorers.map(\.identity).joined(separator: " + ")
      + (combination.map { ", combined by '\($0.rawValue)'" } ?? "")
  }

  /// The total as an operator would compute it, on the operator's scale instead of that of the present anchors.
  ///
  /// - throws: ``Failure`` `badData` if the scores are by other scorers, versions or parameters, or combined differently.
  func rescaled(_ scorers: [Scorer], _ combination: Recipe.Combination?) throws -> ScoreTable {
    guard self.scorers.map(\.identity) == scorers.map(\.identity), self.combination == combination else {
      throw Failure(
        .badData,
        "the scores are of \(Self.text(self.scorers, self.combination)), but the threshold was decided for "
          + Self.text(scorers, combination),
        advice: "score with the operator's recipe, and keep the .origin.json file with the scores")
    }
    guard scorers.count > 1 else { return self }
    let scales = try scorers.map { scorer in
      guard let scale = scorer.scale else {
        throw Failure(
          .badData, "the threshold was decided without a scale for '\(scorer.id)'",
          advice: "ask the operator for a new threshold")
      }
      return scale
    }
    // The operator's weights count, not those with which the scores were made.
    var weighted = self
    weighted.scorers = scorers
    return try weighted.combined(ScoreParts(weighted), on: scales)
  }
}

/// Count, mean, deviation and standard error of some numbers.
package struct Statistics: Sendable, Equatable {
  package let count: Int
  /// NaN if there are none.
  package let mean: Double
  /// The sample standard deviation, with n − 1; 0 for fewer than two.
  package let deviation: Double

  package var standardError: Double { count > 0 ? deviation / Double(count).squareRoot() : .nan }

  package init(_ values: [Double]) {
    count = values.count
    let mean = values.isEmpty ? Double.nan : values.reduce(0, +) / Double(values.count)
    self.mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
  }
}
