extension Recipe {
  /// One scorer and its weight in the score.
  public struct Scorer: Sendable {
    /// Id of the plugin.
    public var scorer = Located("")
    /// What its scores are called; nil means the id.
    public var name: Located<String>?
    /// The scorer's weight if there are several, above 0.
    public var weight = Located(1.0)
    /// Which scores count against a sample; nil if scores are not combined by shortfall.
    public var side: Located<Side>? = Located(Side.low)
    public var parameters: [ParameterSetting] = []
  }

  /// How the scores of several scorers become one.
  public enum Combination: String, Choice {
    case shortfall
    case sum

    var meaning: String {
      switch self {
      case .shortfall: "what a sample lacks compared with the anchors, added up; no scorer makes up for another"
      case .sum: "the standardised scores added up, so that one scorer can make up for another"
      }
    }
  }

  /// On which side of the anchors a score counts against a sample.
  public enum Side: String, Choice {
    case low
    case both

    var meaning: String {
      switch self {
      case .low: "a score below the anchors' mean counts against a sample"
      case .both: "a score more than two deviations above the anchors' mean counts against a sample as well"
      }
    }
  }

  /// What the scores of each scorer are called: its name, or else its id, numbered if another scorer has the same id.
  public var scorerNames: [String] {
    score.indices.map { location in
      let scorer = score[location].value
      if let name = scorer.name { return name.value }
      let earlier = score[..<location].count { $0.value.name == nil && $0.value.scorer.value == scorer.scorer.value }
      return earlier == 0 ? scorer.scorer.value : "\(scorer.scorer.value)-\(earlier + 1)"
    }
  }
}

extension Recipe.Scorer: ObjectSchema {
  static let title = "Scorer"

  static let fields: [FieldSchema<Self>] = [
    .key(
      "scorer", \.scorer, .pluginIdentifier, isRequired: true,
      "The scorer: the id of a plugin, such as 'clues'. `clues plugins list` lists them."),
    .key(
      "name", \.name, .scorerName,
      "What its scores are called in results and reports; by default the id. Names must be unique."),
    .key(
      "weight", \.weight, .number(above: 0),
      "The scorer's weight if there are several; each is standardised by the anchors first."),
    .key("side", \.side, .choice, "Which scores count against a sample if 'combine' is 'shortfall'."),
    .key("parameters", \.parameters, .parameters, "Parameters of the scorer. `clues plugins show ID` lists them."),
  ]

  static let elsewhere = ["combine": "combine", "combination": "combine"]
}

extension Schema where Value == String {
  /// It becomes a JSON key and a column header.
  static let scorerName = text(
    "a name of at most 64 letters, digits, '.', '_' and '-'", pattern: "[A-Za-z0-9][A-Za-z0-9._-]*", maximumLength: 64)
}
