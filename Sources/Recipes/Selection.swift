extension Recipe {
  /// How samples are selected.
  public struct Selection: Sendable {
    /// Id of the plugin.
    public var threshold = Located("")
    public var parameters: [ParameterSetting] = []
    public var calibrate = Located(Calibration.none)
    public var draws = Located(Self.usualDraws)

    /// The default number of draws for the certainty of a threshold.
    public static let usualDraws = 200
  }

  /// Whether the clients' scores are first put on a common scale.
  public enum Calibration: String, Choice {
    case none
    case client

    var meaning: String {
      switch self {
      case .none: "scores are compared as they are"
      case .client: "each client's scores are first scaled by its own anchors"
      }
    }
  }
}

extension Recipe.Selection: ObjectSchema {
  static let title = "Selection"

  static let fields: [FieldSchema<Self>] = [
    .key(
      "threshold", \.threshold, .pluginIdentifier, isRequired: true,
      "The threshold rule: the id of a plugin, such as 'anchor-mean'. A sample is kept at or above the threshold."),
    .key("parameters", \.parameters, .parameters, "Parameters of the threshold rule."),
    .key("calibrate", \.calibrate, .choice, "Whether scores of different clients are made comparable first."),
    .key(
      "draws", \.draws, .integer(atLeast: 0),
      "How often the threshold is recomputed from resampled anchors and samples to show how certain it is; 0 for never."
    ),
  ]
}
