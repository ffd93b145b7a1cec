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

    /// The scorers for a message.
    static func text(_ scorers: [Scorer]) -> String {
      scorers.isEmpty ? "nobody knows what" : scorers.map(\.identity).joined(separator: " + ")
    }

    public struct Scale: Sendable, Equatable {
      public let mean: Double
      public let deviation: Double
    }
  }

  /// The clients in order, each with the places of its rows.
  var groups: [(client: String, places: Range<Int>)] {
    var groups: [(client: String, places: Range<Int>)] = []
    for place in rows.indices {
      if groups.last?.client == rows[place].client {
        groups[groups.count - 1].places = groups[groups.count - 1].places.lowerBound..<place + 1
      } else {
        groups.append((rows[place].client, place..<place + 1))
      }
    }
    return groups
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
  /// The sum as an operator made it, on the operator's scale instead of that of the anchors at hand.
  ///
  /// - throws: ``Failure`` `badData` when the scores are those of other scorers, versions or parameters.
  func rescaled(_ scorers: [Scorer]) throws -> ScoreTable {
    guard self.scorers.map(\.identity) == scorers.map(\.identity) else {
      throw Failure(
        .badData,
        "the scores are of \(Scorer.text(self.scorers)), but the threshold was decided for \(Scorer.text(scorers))",
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
    return try weighted.summed(ScoreParts(weighted), on: scales)
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
