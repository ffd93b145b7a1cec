import Diagnostics
import JSON
import PluginHost
import Recipes

/// The scores of all samples, client by client, in the order of the evidence.
package struct ScoreTable: Sendable {
  package var rows: [Row]

  /// How the scores came about; empty when a file of scores says nothing about it.
  package var scorers: [Scorer]

  /// How the scores of several scorers become one; nil of a lone scorer, and where a file says nothing about it.
  package var combination: Recipe.Combination?

  /// Of every client, digests of its anchors and validation data; empty when a file of scores says nothing about it.
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
    /// The score at every checkpoint, nil where there is none.
    package var checkpoints: [(step: Int, score: Double?)]
    /// The scores of the single scorers where there are several, before they were standardised.
    package var parts: [(scorer: String, score: Double?)]
    /// What each scorer adds to a score that is combined by shortfall, in the order of the scorers.
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

    /// In which respect the sample falls short most; nil where it does in none.
    var shortOf: String? {
      shortfalls.min { $0.value < $1.value }.flatMap { $0.value < 0 ? $0.respect : nil }
    }
  }

  /// What one scorer adds to the score of a sample.
  package struct Shortfall: Sendable, Equatable {
    package let scorer: String
    /// 0 or less.
    package let value: Double
    /// Whether the sample lies above the anchors, not below.
    let isAbove: Bool

    var respect: String { Self.respect(scorer, isAbove: isAbove) }

    /// `perplexity`, or `perplexity (above)`, which is the name of no scorer.
    static func respect(_ scorer: String, isAbove: Bool) -> String { isAbove ? "\(scorer) (above)" : scorer }
  }

  /// One scorer and how its scores went into the total.
  package struct Scorer: Sendable, Equatable {
    package let id: String
    /// What its scores are called: no two scorers of a table have the same.
    package let name: String
    package let version: String
    package let parameters: JSONValue
    package var weight: Double
    /// Which scores count against a sample; nil where scores are not combined by shortfall.
    package var side: Recipe.Side?
    /// What the anchors say of the scores, by which they were standardised; nil for a lone scorer.
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

    /// In which respects a sample can fall short.
    var respects: [String] {
      (side == .both ? [false, true] : [false]).map { Shortfall.respect(name, isAbove: $0) }
    }

    /// What must agree for scores to be comparable: `clues 1.0.0 {"preset":"reference"} as 'direction'`.
    package var identity: String {
      "\(id) \(version) \(parameters.text(sorted: true))" + (name == id ? "" : " as '\(name)'")
        + (side == .both ? " on both sides" : "")
    }

    package struct Scale: Sendable, Equatable {
      package let mean: Double
      /// That of the anchors; where scores are combined by shortfall, that of each client's about their own mean.
      package let deviation: Double
      /// How far the clients' own means deviate from each other beyond what chance does; 0 where they do not, and in sums.
      var between = 0.0

      package init(mean: Double, deviation: Double, between: Double = 0.0) {
        self.mean = mean
        self.deviation = deviation
        self.between = between
      }
    }
  }

  /// The clients in order, each with the places of its rows.
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
    if scorers.isEmpty { return "nobody knows what" }
    return scorers.map(\.identity).joined(separator: " + ")
      + (combination.map { ", combined by '\($0.rawValue)'" } ?? "")
  }

  /// The total as an operator made it, on the operator's scale instead of that of the anchors at hand.
  ///
  /// - throws: ``Failure`` `badData` when the scores are those of other scorers, versions or parameters, or combined
  ///   in another way.
  func rescaled(_ scorers: [Scorer], _ combination: Recipe.Combination?) throws -> ScoreTable {
    guard self.scorers.map(\.identity) == scorers.map(\.identity), self.combination == combination else {
      throw Failure(
        .badData,
        "the scores are of \(Self.text(self.scorers, self.combination)), but the threshold was decided for "
          + Self.text(scorers, combination),
        advice: "score with the operator's recipe, and keep the .origin.json file beside the scores")
    }
    guard scorers.count > 1 else { return self }
    let scales = try scorers.map { scorer in
      guard let scale = scorer.scale else {
        throw Failure(
          .badData, "the threshold was decided without a scale for '\(scorer.id)'", advice: "ask for another threshold")
      }
      return scale
    }
    // The operator's weights count, whatever those were that the scores were made with.
    var weighted = self
    weighted.scorers = scorers
    return try weighted.combined(ScoreParts(weighted), on: scales)
  }
}

/// Count, mean, deviation and standard error of some numbers.
package struct Statistics: Sendable, Equatable {
  package let count: Int
  /// NaN of nothing.
  package let mean: Double
  /// The standard deviation of a sample, with n − 1; 0 of fewer than two.
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
