import JSON

extension Recipe {
  /// How the clients' adapters become one.
  public struct Merge: Sendable {
    /// Id of the plugin.
    public var method = Located("")
    /// What the method is applied to; nil means the method's default.
    public var space: Located<Space>?
    public var parameters: [ParameterSetting] = []
    /// The rank of the result; nil if `energy` decides, or the space: `full` if the space loses nothing.
    public var rank: Located<Rank>?
    /// The share of the squared norm to keep, above 0 and at most 1; nil if `rank` decides.
    public var energy: Located<Double>?
    /// Whether what compression drops is written as a second adapter.
    public var residual: Located<Bool>?
    /// Whether dense results are decomposed exactly instead of by a sketch with a checked error.
    public var exact: Located<Bool>?
    /// How `factors` divides a weight; nil if not set and the space is another one, or the method's default.
    public var split: Located<FactorWeighting>? = Located(FactorWeighting.sqrt)
    public var missing = Located(Missing.zero)
    public var absolute = Located(Absolute.refuse)
    /// The base model that the result names; if given, the clients' bases may differ.
    public var baseModel: Located<String>?
  }

  /// What a merge method is applied to.
  public enum Space: String, Choice {
    case stack
    case core
    case delta
    case factors

    var meaning: String {
      switch self {
      case .stack: "the weighted sum, exact, by stacking the factors"
      case .core: "the deltas in the subspace that the clients span, without loss"
      case .delta: "the deltas themselves, dense, one module at a time"
      case .factors: "A and B separately, as PEFT does; inexact, equal ranks only"
      }
    }
  }

  /// The rank of the merged adapter.
  public enum Rank: Sendable, Equatable {
    case count(Int)
    /// The largest rank among the inputs, module by module.
    case same
    /// As large as needed to lose nothing.
    case full
  }

  /// How the space `factors` divides a client's weight between A and B.
  public enum FactorWeighting: String, Choice {
    case sqrt
    case whole

    var meaning: String {
      switch self {
      case .sqrt: "A and B each take the square root of the weight"
      case .whole: "A and B each take the whole weight"
      }
    }
  }

  /// How a module counts that some clients lack.
  public enum Missing: String, Choice {
    case zero
    case renormalize

    var meaning: String {
      switch self {
      case .zero: "a module that a client lacks counts as zero"
      case .renormalize: "the clients that have a module share the weight of those that lack it"
      }
    }
  }

  /// What happens to whole tensors that come with an adapter: saved modules, biases, embeddings.
  public enum Absolute: Sendable, Equatable {
    case refuse
    case average
    case drop
    /// The tensors of the client of this name.
    case take(String)
  }
}

extension Recipe.Merge: ObjectSchema {
  static let title = "Merge"

  static let fields: [FieldSchema<Self>] = [
    .key(
      "method", \.method, .pluginIdentifier, isRequired: true,
      "The merge method: the id of a plugin, such as 'average' or 'ties'. `clues plugins list` lists them."),
    .key(
      "space", \.space, .choice, "What the method is applied to. The default depends on the method.",
      absent: { _ in "the method's default" }),
    .key(
      "parameters", \.parameters, .parameters,
      "Parameters of the method: each one value, a list over layers, or a list of {filter, value}. "
        + "`clues plugins show ID` lists them."),
    .key(
      "rank", \.rank, .rank,
      "The rank of the merged adapter: a number, 'same' or 'full'. Excludes 'energy'. "
        + "Without either, 'full' if the space loses nothing, and 'same' in the space 'delta'.",
      absent: { $0.energy == nil ? "depends on the space" : nil }),
    .key(
      "energy", \.energy, .number(above: 0, atMost: 1),
      "The share of each module's squared norm to keep; the rank follows. Excludes 'rank'."),
    .key(
      "residual", \.residual, .flag,
      "Whether what compression drops is written as a second adapter, 'residual', so that nothing is lost."),
    .key(
      "exact", \.exact, .flag,
      "Whether dense results of the space 'delta' are decomposed exactly, which is slow for large layers, instead of by "
        + "a sketch that provably keeps 999 parts in 1000 of what the best factors keep."),
    .key("split", \.split, .choice, "How the space 'factors' divides a client's weight between A and B."),
    .key("missing", \.missing, .choice, "How to treat a module that some clients lack."),
    .key(
      "absolute", \.absolute, .absolute,
      "What to do with whole tensors that come with an adapter (saved modules, biases, embeddings): "
        + "'refuse', 'average', 'drop', or {take: CLIENT}."),
    .key(
      "base_model", \.baseModel, .name,
      "The base model that the result names; it also allows merging adapters of different bases."),
  ]

  static let rules = [
    Rule<Self>(jsonSchema: ["not": ["required": ["rank", "energy"]]]) { merge, _ in
      guard let energy = merge.energy, let rank = merge.rank else { return }
      let later = Origin.later(energy.origin, rank.origin)
      throw later.failure("'merge.rank' and 'merge.energy' are mutually exclusive", advice: "keep one of them")
    },
    Rule<Self>(jsonSchema: splitOnlyForFactors) { merge, _ in
      guard let space = merge.space, space.value != .factors, let split = merge.split, !split.isDefault else { return }
      throw split.origin.failure(
        "'merge.split' has no meaning in the space '\(space.value.rawValue)'",
        advice: "omit it, or merge in the space 'factors'")
    },
  ]

  static let elsewhere = [
    "combination_type": "merge.method", "merge_method": "merge.method", "name": "merge.method",
    "svd_rank": "merge.rank", "r": "merge.rank", "dtype": "output.dtype", "out_dtype": "output.dtype", "seed": "seed",
    "weight": "clients.0.weight", "weights": "weights", "base_model_name_or_path": "merge.base_model",
  ]

  private static let splitOnlyForFactors: JSONValue = [
    "if": [
      "properties": ["space": ["enum": JSONValue(Recipe.Space.allCases.map(\.rawValue).filter { $0 != "factors" })]],
      "required": ["space"],
    ],
    "then": ["not": ["required": ["split"]]],
  ]

  mutating func settle() {
    // The method's default may be another space, in which a split would be refused when the recipe is read again.
    if space?.value != .factors, split?.isDefault == true { split = nil }
  }
}

extension Origin {
  /// The later of two origins: further down the file, or the command line.
  static func later(_ a: Origin, _ b: Origin) -> Origin {
    guard case .file(let first) = a else { return a }
    guard case .file(let second) = b else { return b }
    return (first.line, first.column) > (second.line, second.column) ? a : b
  }
}

extension Schema where Value == Recipe.Rank {
  static let rank = Schema.oneOf(
    Schema<Int>.integer(atLeast: 1).mapped(
      { rank, _ in .count(rank) }, { if case .count(let rank) = $0 { rank } else { nil } }),
    .words([
      Word(name: "same", value: .same, meaning: "the largest rank among the inputs"),
      Word(name: "full", value: .full, meaning: "as large as needed to lose nothing"),
    ]))
}

extension Schema where Value == Recipe.Absolute {
  static let absolute = Schema.oneOf(
    .words([
      Word(name: "refuse", value: .refuse, meaning: "an adapter with such tensors is an error"),
      Word(name: "average", value: .average, meaning: "their weighted mean"),
      Word(name: "drop", value: .drop, meaning: "the result omits them"),
    ]),
    Schema<Taking>.object.mapped(
      { taking, _ in .take(taking.client.value) },
      { absolute in
        guard case .take(let client) = absolute else { return nil }
        return Taking(client: Located(client))
      }))
}

/// The mapping `{take: CLIENT}`.
struct Taking: ObjectSchema {
  var client = Located("")

  static let title = "Absolute tensors of one client"

  static let fields: [FieldSchema<Self>] = [
    .key("take", \.client, .clientName, isRequired: true, "The client whose tensors are taken unchanged.")
  ]
}
