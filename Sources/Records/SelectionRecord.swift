import JSON

/// A selection: in `run.json`, and in the output of `clues select --json`.
package struct SelectionRecord: JSONRecord {
  package var rule = ""
  package var parameters = JSONValue.null
  package var calibration = Calibration.none
  package var anchors = StatisticsRecord()
  package var remarks: [String] = []
  /// How certain the threshold is; nil in records without it.
  package var bootstrap: Bootstrap?
  package var clients: [Client] = []

  package init() {}

  package static let fields: [JSONField<Self>] = [
    .key("rule", \.rule, .text), .optional("parameters", \.parameters, .any),
    .key("calibrate", \.calibration, .word), .key("anchors", \.anchors, .record),
    .optional("remarks", \.remarks, .list(of: .text)), .optional("bootstrap", \.bootstrap, .record),
    .key("clients", \.clients, .list(of: .record)),
  ]

  /// Whether each client's scores were put on the scale of its own anchors before the thresholds were set.
  package enum Calibration: String, Sendable, CaseIterable {
    case none, client
  }

  /// The threshold that all clients have in common, if there is one.
  package var globalThreshold: Double? {
    let thresholds = Set(clients.map(\.threshold))
    return thresholds.count == 1 ? thresholds.first : nil
  }

  /// One client's part in the selection.
  package struct Client: JSONRecord {
    package var client = ""
    package var threshold = 0.0
    package var anchors = StatisticsRecord()
    package var anchorOffset: Double?
    package var (kept, scored, unscored) = (0, 0, 0)
    package var keptShare = 0.0
    package var unscoredAnchors = 0
    /// How many dropped samples fall short most in each respect; empty if not recorded.
    package var shortOf: [(key: String, value: Int)] = []
    package var influence: Influence?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("client", \.client, .text), .key("threshold", \.threshold, .extended), .key("anchors", \.anchors, .record),
      .optional("anchor_offset", \.anchorOffset, .number), .key("kept", \.kept, .whole),
      .key("scored", \.scored, .whole), .key("unscored", \.unscored, .whole), .key("kept_share", \.keptShare, .number),
      .optional("unscored_anchors", \.unscoredAnchors, .whole), .optional("short_of", \.shortOf, .map(of: .whole)),
      .optional("influence", \.influence, .record),
    ]
  }

  /// The effect of a client's anchors on the threshold of the others.
  package struct Influence: JSONRecord {
    package var thresholdWithout: Double?
    /// How far its anchors move the threshold, in deviations of the other clients'.
    package var deviations: Double?
    package var (decisions, others) = (0, 0)
    package var stretch: Stretch?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .optional("threshold_without", \.thresholdWithout, .number), .optional("deviations", \.deviations, .number),
      .optional("decisions", \.decisions, .whole), .optional("of", \.others, .whole),
      .optional("stretch", \.stretch, .record),
    ]
  }

  /// The scorer whose scale a client's anchors stretch most.
  package struct Stretch: JSONRecord {
    package var scorer = ""
    package var factor: Double?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("scorer", \.scorer, .text), .optional("factor", \.factor, .number),
    ]
  }

  /// The threshold, resampled from the data it depends on.
  package struct Bootstrap: JSONRecord {
    package var draws = 0
    package var seed = 0
    package var interval: [Double?] = []
    package var steadyShare = 0.0
    package var resamplings: [Resampling] = []

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("draws", \.draws, .whole), .optional("seed", \.seed, .whole),
      .optional("interval", \.interval, .list(of: .numberOrNull)),
      .optional("steady_share", \.steadyShare, .number), .key("resamplings", \.resamplings, .list(of: .record)),
    ]
  }

  /// Resampling of one kind, or one client's part in it.
  package struct Resampling: JSONRecord {
    package var drawn = ""
    package var (more, failed) = (0, 0)
    package var threshold: Interval?
    package var deviations: Interval?
    package var (unsure, scored) = (0, 0)
    package var clients: [Client] = []

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("drawn", \.drawn, .text), .key("more", \.more, .whole), .optional("failed", \.failed, .whole),
      .optional("threshold", \.threshold, .interval), .optional("deviations", \.deviations, .interval),
      .key("unsure", \.unsure, .whole), .key("of", \.scored, .whole),
      .optional("clients", \.clients, .list(of: .record)),
    ]

    package struct Client: JSONRecord {
      package var client = ""
      package var threshold: Interval?
      package var deviations: Interval?
      package var (unsure, scored) = (0, 0)

      package init() {}

      package static let fields: [JSONField<Self>] = [
        .key("client", \.client, .text), .optional("threshold", \.threshold, .interval),
        .optional("deviations", \.deviations, .interval), .key("unsure", \.unsure, .whole),
        .key("of", \.scored, .whole),
      ]
    }
  }

  /// Two ends, which may be infinite.
  package struct Interval: Sendable {
    package var (least, most): (Double?, Double?)

    package init(_ range: ClosedRange<Double>) {
      self.init(range.lowerBound.isFinite ? range.lowerBound : nil, range.upperBound.isFinite ? range.upperBound : nil)
    }

    init(_ least: Double?, _ most: Double?) { (self.least, self.most) = (least, most) }

    /// Nil if an end is infinite.
    package var range: ClosedRange<Double>? { least.flatMap { least in most.map { least...$0 } } }
  }
}

extension JSONKind<SelectionRecord.Interval> {
  static let interval = JSONKind(
    "two numbers in order",
    read: { json in
      guard let ends = json.arrayValue, ends.count == 2, ends.allSatisfy({ $0.isNull || $0.doubleValue != nil })
      else { return nil }
      let interval = SelectionRecord.Interval(ends[0].doubleValue, ends[1].doubleValue)
      if let least = interval.least, let most = interval.most, least > most { return nil }
      return interval
    },
    write: { .array([$0.least, $0.most].map { $0.map { .number($0) } ?? .null }) })
}

/// Count, mean and deviation of some scores.
package struct StatisticsRecord: JSONRecord {
  package var count = 0
  /// Nil if there are none.
  package var mean: Double?
  package var deviation: Double?
  package var standardError: Double?

  package init() {}

  package static let fields: [JSONField<Self>] = [
    .key("count", \.count, .whole), .optional("mean", \.mean, .number), .optional("deviation", \.deviation, .number),
    .optional("standard_error", \.standardError, .number),
  ]
}
