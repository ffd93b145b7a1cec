extension Recipe {
  /// How the kept samples are told from the others.
  public struct Selection: Sendable {
    /// Id of the plugin.
    public var threshold = Located("")
    public var parameters: [ParameterSetting] = []
    public var calibrate = Located(Calibration.none)
  }

  /// Whether the clients' scores are brought to one scale first.
  public enum Calibration: String, Choice {
    case none
    case client

    var meaning: String {
      switch self {
      case .none: "scores are compared as they are"
      case .client: "each client's scores are put on one scale first, by its own anchors"
      }
    }
  }
}

extension Recipe.Selection: Record {
  static let title = "Selection"

  static let fields: [Field<Self>] = [
    .key(
      "threshold", \.threshold, .pluginIdentifier, isRequired: true,
      "The threshold rule: the id of a plugin, such as 'anchor-mean'. A sample is kept at or above the threshold."),
    .key("parameters", \.parameters, .parameters, "Parameters of the threshold rule."),
    .key("calibrate", \.calibrate, .choice, "Whether scores of different clients are made comparable first."),
  ]
}
