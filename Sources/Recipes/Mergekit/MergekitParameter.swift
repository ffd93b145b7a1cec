/// A parameter of a mergekit method, and its translation.
struct MergekitParameter: Sendable {
  var name: String

  /// Whether each model may have its own value.
  var isPerModel = false

  var meaning: Meaning

  enum Meaning: Sendable {
    /// A number that keeps its name and may run over layers or differ by filter.
    case number(otherwise: Otherwise = .same)
    /// `true` or `false`.
    case flag(yes: Outcome, no: Outcome)
  }

  /// The default: for a model without a value, and for a module that no filter matches.
  enum Otherwise: Sendable {
    /// The plugin's default is mergekit's.
    case same
    /// mergekit's default, which is not the plugin's.
    case value(String)
    /// mergekit refuses it, and so does Clues.
    case refused
  }

  enum Outcome: Sendable {
    /// Another parameter is set to this value.
    case set(String, to: String)
    /// It changes nothing, for this reason.
    case nothing(String)
    /// It is not supported, with the reason and the alternative.
    case refused(String, advice: String)
  }
}

extension MergekitParameter {
  static let density = Self(name: "density", isPerModel: true, meaning: .number(otherwise: .value("1")))
  static let gamma = Self(name: "gamma", isPerModel: true, meaning: .number())
  static let epsilon = Self(name: "epsilon", isPerModel: true, meaning: .number())
  static let lambda = Self(name: "lambda", meaning: .number())

  static let rescale = Self(
    name: "rescale", meaning: .flag(yes: .set("rescale", to: "l1"), no: .set("rescale", to: "none")))

  /// Whether a plain sum is divided by the sum of the weights.
  static let normalizeSum = Self(
    name: "normalize", meaning: .flag(yes: .set("normalize", to: "true"), no: .set("normalize", to: "false")))

  /// Whether the sum of the agreeing entries is divided by the weights of the agreeing clients.
  static let normalizeAgreement = Self(
    name: "normalize", meaning: .flag(yes: .set("divide", to: "weights"), no: .set("divide", to: "none")))

  static let int8Mask = nothing("int8_mask", "it saves memory in mergekit and changes no number")

  /// A flag without effect.
  static func nothing(_ name: String, _ why: String) -> Self {
    Self(name: name, meaning: .flag(yes: .nothing(why), no: .nothing(why)))
  }

  /// A flag that must have mergekit's default.
  static func only(_ due: Bool, _ name: String, _ why: String, advice: String) -> Self {
    let refused = Outcome.refused(why, advice: advice)
    let taken = Outcome.nothing("this is the only behaviour here")
    return Self(name: name, meaning: .flag(yes: due ? taken : refused, no: due ? refused : taken))
  }
}
