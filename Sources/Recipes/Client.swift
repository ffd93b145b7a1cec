import JSON

extension Recipe {
  /// One client's bundle and what to take from it.
  public struct Client: Sendable {
    /// The path of the bundle as written; ``Recipe/path(_:)`` resolves it.
    public var path = Located("")
    /// The client's name; nil means the bundle's own.
    public var name: Located<String>?
    /// The client's weight in the merge; given for all clients or for none.
    public var weight: Located<Double>?
    /// The checkpoint whose adapter is merged; nil means the final adapter, or else that of the last checkpoint.
    public var checkpoint: Located<Checkpoint>?
    /// The named adapter, if a bundle holds several.
    public var adapter: Located<String>?
    /// Whether the client was trained on anchor data: scored against, not merged.
    public var anchor: Located<Bool>?
    /// Parameters of the merge method for this client only.
    public var parameters: [ParameterSetting] = []
  }

  /// One checkpoint of a client's trajectory.
  public enum Checkpoint: Sendable, Equatable {
    case step(Int)
    case last
  }
}

extension Recipe.Client: ObjectSchema {
  /// The key that a client in short form, a bare path, sets.
  static let shortKey = "path"

  static let title = "Client"

  static let fields: [FieldSchema<Self>] = [
    .key(
      shortKey, \.path, .path, isRequired: true,
      "The client's bundle: an archive or a folder, relative to the recipe's folder."),
    .key("name", \.name, .clientName, "What to call the client, instead of the name in its bundle."),
    .key(
      "weight", \.weight, .number(),
      "The client's weight in the merge. Either all clients have one, or none has and 'weights' decides."),
    .key(
      "checkpoint", \.checkpoint,
      .oneOf(
        Schema.integer(atLeast: 0).mapped(
          { step, _ in Recipe.Checkpoint.step(step) }, { if case .step(let step) = $0 { step } else { nil } }),
        .words([Word(name: "last", value: .last, meaning: "the checkpoint with the highest step")])),
      "Which checkpoint's adapter to take: a step, or 'last'. "
        + "By default the final adapter, or the last checkpoint's if there is no final one.",
      absent: { _ in "the final adapter, else the last checkpoint's" }),
    .key("adapter", \.adapter, .name, "Which adapter to take, by name, if a bundle holds several."),
    .key(
      "anchor", \.anchor, .flag,
      "Whether this client was trained on anchor data. Scorers of clients compare the others with it; it is not merged."
    ),
    .key("parameters", \.parameters, .parameters, "Parameters of the merge method for this client only."),
  ]
}

extension Recipe.Client {
  static let elsewhere = ["model": "path", "bundle": "path", "lora": "path", "adapter_name": "adapter"]
}

extension Schema where Value == Recipe.Client {
  /// A client in full, or its path alone.
  static let client = Schema.oneOf(
    .object,
    Schema<String>.path.mapped(
      { path, origin in
        var client = Recipe.Client()
        client.path = Located(path, origin)
        return client
      }, { _ in nil }))
}
