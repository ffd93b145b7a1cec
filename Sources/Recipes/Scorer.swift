extension Recipe {
  /// One scorer and its share in the score.
  public struct Scorer: Sendable {
    /// Id of the plugin.
    public var scorer = Located("")
    /// The scorer's share when several are summed, above 0.
    public var weight = Located(1.0)
    public var parameters: [ParameterSetting] = []
  }
}

extension Recipe.Scorer: Record {
  static let title = "Scorer"

  static let fields: [Field<Self>] = [
    .key(
      "scorer", \.scorer, .pluginIdentifier, isRequired: true,
      "The scorer: the id of a plugin, such as 'clues'. `clues plugins list` shows what there is."),
    .key(
      "weight", \.weight, .number(above: 0),
      "The scorer's share when several are summed; each is standardised by the anchors first."),
    .key("parameters", \.parameters, .parameters, "Parameters of the scorer. `clues plugins show ID` lists them."),
  ]
}
