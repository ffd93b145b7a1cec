import Diagnostics
import Files
import JSON
import SystemPackage

/// A checked recipe: what to do, every value with its location.
///
/// A recipe does not know plugins. The code that runs it checks against their schemas that its methods exist and accept its
/// parameters, and locates errors with ``failure(_:at:advice:)``.
public struct Recipe: Sendable {
  /// The file as the user named it.
  public internal(set) var file = ""

  /// Whether it was read from the record of a run.
  public internal(set) var isRecorded = false

  /// Version of the format, 1.
  public var version = Located(1)
  /// At least one, in the order of the file.
  public var clients: [Located<Client>] = []
  /// The scorers; empty in a recipe that only merges.
  public var score: [Located<Scorer>] = []
  /// How the scores of several scorers become one; nil if there are fewer than two.
  public var combine: Located<Combination>? = Located(Combination.shortfall)
  public var select: Located<Selection>?
  /// Where the weights come from; nil if the clients have their own or nothing is merged.
  public var weights: Located<Weighting>? = Located(Weighting.equal)
  /// Nil in a recipe that only scores.
  public var merge: Located<Merge>?
  public var output = Located(Output())
  public var seed = Located(UInt64(0))
  public var plugins: [PluginPin] = []
  /// The limits on inputs that differ from the defaults.
  public var limits: Located<LimitSettings>?

  /// Which key of a mergekit file became what; empty for a recipe in our own language.
  var translation: [ExplainedValue] = []

  /// Where the clients' weights come from.
  public enum Weighting: String, Choice {
    case equal
    case samples
    case keptSamples = "kept-samples"
    case keptShare = "kept-share"
    case keptScore = "kept-score"

    var meaning: String {
      switch self {
      case .equal: "all clients have the same weight"
      case .samples: "by the number of the client's samples"
      case .keptSamples: "by the number of samples that the selection keeps"
      case .keptShare: "by the share of samples that the selection keeps"
      case .keptScore: "by the score of the samples that the selection keeps"
      }
    }

    /// Whether they depend on a selection.
    var needsSelection: Bool { self != .equal && self != .samples }
  }

  /// The folder to which relative paths refer; empty for the current one.
  public var folder: String { file.lastIndex(of: "/").map { String(file[...$0]) } ?? "" }

  /// A path of this recipe as seen from the current folder.
  ///
  /// Nothing is resolved, because `..` after a link does not lead where it seems to.
  public func path(_ written: Located<String>) -> String {
    written.value.hasPrefix("/") ? written.value : folder + written.value
  }

  /// The path of something to read, which may be named like a repository on the Hugging Face Hub (``HubName``).
  public func input(_ written: Located<String>) -> String {
    let path = path(written)
    return FilePath(path).exists ? path : HubName(written.value)?.snapshot()?.string ?? path
  }

  /// Where the value stands that comes from `origin`.
  public func location(of origin: Origin) -> RecipeLocation {
    RecipeLocation(file: file.isEmpty ? nil : file, origin: origin)
  }

  /// A failure of kind `badRecipe` about the value that comes from `origin`, with file, line and column.
  public func failure(_ message: String, at origin: Origin, advice: String? = nil) -> Failure {
    location(of: origin).failure(message, advice: advice)
  }

  /// The recipe with every default filled in, in the order of the language; reads back as the same recipe.
  public var jsonValue: JSONValue { write() }

  /// ``jsonValue`` as text, which is YAML as well.
  public var text: String { jsonValue.text(indented: true) + "\n" }

  /// What the recipe means, one value per line, defaults marked; then how it follows from a mergekit file.
  public func explanation(columns: Int = .max) -> String {
    let decisions = ExplainedValue.lines(explain(at: Location()), columns: columns)
    if translation.isEmpty { return decisions }
    return decisions + "\nFrom the mergekit file:\n" + ExplainedValue.lines(translation, columns: columns)
  }
}

extension Recipe: ObjectSchema {
  static let title = "Clues recipe"

  static let fields: [FieldSchema<Self>] = [
    .key("clues", \.version, .formatVersion, "The version of this format: 1."),
    .key(
      "clients", \.clients, .list(of: .client), isRequired: true,
      "The clients' bundles, at least one: paths, or mappings with a path and more."),
    .key(
      "score", \.score, .oneOrMany(of: .object),
      "How samples are scored: a scorer, or a list of scorers whose scores 'combine' turns into one.",
      absent: "nothing is scored"),
    .key(
      "combine", \.combine, .choice,
      "How several scores become one, after each is standardised by the anchors."),
    .key(
      "select", \.select, .object, "Which samples are kept; needs 'score'.",
      absent: { $0.score.isEmpty ? nil : "nothing is selected" }),
    .key(
      "weights", \.weights, .choice, "Where the clients' weights in the merge come from.",
      absent: { $0.merge == nil ? nil : "the clients' own" }),
    .key(
      "merge", \.merge, .object, "How the adapters are merged; a recipe that only scores has none.",
      absent: { _ in "nothing is merged" }),
    .key("output", \.output, .object, "Where the result goes and what it looks like."),
    .key(
      "seed", \.seed, Schema.integer(atLeast: 0).mapped({ seed, _ in UInt64(seed) }, { Int(exactly: $0) }),
      "The seed of all random numbers of the run."),
    .key(
      "plugins", \.plugins, .pins,
      "Pins: the id of a plugin and the SHA-256 of the only library that may provide it."),
    .key("limits", \.limits, .object, "Limits beyond which the clients' bundles are refused."),
  ]

  /// The keys of the sections, and what mergekit and PEFT call them.
  static let elsewhere: [String: String] = {
    var places = [
      "models": "clients", "adapters": "clients", "inputs": "clients", "bundles": "clients",
      "merge_method": "merge.method", "combination_type": "merge.method", "svd_rank": "merge.rank",
      "out_dtype": "output.dtype", "scorer": "score.scorer", "threshold": "select.threshold",
      "calibrate": "select.calibrate", "combination": "combine",
    ]
    for name in ["density", "lambda", "epsilon", "gamma", "t", "normalize", "rescale", "select_topk"] {
      places[name] = "merge.parameters.\(name)"
    }
    for field in Merge.fields { places[field.name] = "merge.\(field.name)" }
    for field in Output.fields { places[field.name] = "output.\(field.name)" }
    return places
  }()

  mutating func settle() {
    if score.count < 2 { combine = nil }
    if combine?.value != .shortfall { for location in score.indices { score[location].value.side = nil } }
    if merge == nil || clients.contains(where: { $0.weight != nil }) { weights = nil }
  }
}

extension Schema where Value == Int {
  /// The version of the format; any other is refused.
  static let formatVersion: Schema = {
    var schema = Schema.integer(atLeast: 1)
    let due = schema
    schema.jsonSchema = ["const": 1]
    schema.read = { node, location in
      let version = try due.read(node, location)
      guard version == 1 else {
        throw node.origin.failure(
          "the recipe has format version \(version), but this program reads version 1",
          advice: "use a newer version of Clues")
      }
      return version
    }
    return schema
  }()
}

extension Recipe {
  /// Runs `body` and adds the location in the recipe to a failure without one.
  package func locating<Result>(_ origin: Origin, _ body: () throws -> Result) throws -> Result {
    try location(of: origin).locating(body)
  }
}
