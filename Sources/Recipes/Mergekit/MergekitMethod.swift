/// A merge method of mergekit, and the method here that gives the same if the models are adapters.
struct MergekitMethod: Sendable {
  /// Its name in mergekit.
  var name: String
  /// Id of the plugin.
  var id: String
  /// How the method uses `base_model`.
  var base = Base.isZero
  /// Whether every model must have a weight; the others take none.
  var isWeighted = true
  /// What mergekit does by default and the plugin does not.
  var settings: [String: String] = [:]
  var parameters: [MergekitParameter]
  /// Remarks on the translation.
  var note: String?

  enum Base: Sendable {
    /// The method works on the differences from the base, which adapters are.
    case isZero
    /// The base is the one of two models at which the path starts.
    case isStart
    /// The method has no base; says why.
    case isNone(String)
  }
}

extension MergekitMethod {
  /// The supported methods.
  static let all: [Self] = [
    Self(
      name: "linear", id: "average", base: .isNone("'linear' has no base model"), parameters: [.normalizeSum]),
    Self(
      name: "task_arithmetic", id: "task-arithmetic",
      parameters: [
        .lambda, .int8Mask,
        .only(
          false, "normalize", "task arithmetic that divides by the weights is a mean",
          advice: "write merge_method: linear, which divides by them"),
        .only(
          false, "rescale", "'task_arithmetic' drops nothing, so there is nothing to rescale",
          advice: "omit it"),
      ]),
    agreeing("ties", "ties"),
    agreeing("dare_ties", "dare-ties", note: draws),
    summing("dare_linear", "dare-linear", note: draws),
    summing("breadcrumbs", "breadcrumbs", [.gamma], settings: [:]),
    agreeing("breadcrumbs_ties", "breadcrumbs-ties", [.gamma], settings: [:]),
    agreeing("della", "della", [.epsilon], note: draws),
    summing("della_linear", "della-linear", [.epsilon], note: draws),
    Self(
      name: "sce", id: "sce", isWeighted: false,
      parameters: [.init(name: "select_topk", meaning: .number()), .int8Mask]),
    Self(
      name: "model_stock", id: "model-stock", isWeighted: false,
      parameters: [
        .only(
          false, "filter_wise", "Model Stock by rows is not supported", advice: "omit it, or set it to false")
      ]),
    Self(
      name: "slerp", id: "slerp", base: .isStart, isWeighted: false,
      parameters: [.init(name: "t", meaning: .number(otherwise: .refused))], note: arc),
    Self(
      name: "nuslerp", id: "slerp",
      parameters: [
        .only(
          true, "nuslerp_flatten", "a separate arc for every row is not supported", advice: "omit it, or set it to true"
        ),
        .only(
          false, "nuslerp_row_wise", "a separate arc for every row is not supported",
          advice: "omit it, or set it to false"),
      ]),
    Self(
      name: "karcher", id: "karcher", base: .isNone("'karcher' would count the base model as one of the models"),
      isWeighted: false,
      parameters: [.init(name: "max_iter", meaning: .number()), .init(name: "tol", meaning: .number())], note: arc),
  ]

  /// The methods that are not supported: why, and what to do instead.
  static let refused: [String: (why: String, advice: String)] = [
    "passthrough": (
      "'passthrough' copies a model, and an adapter needs no merge for that", "use the adapter as it is"
    ),
    "multislerp": (
      "'multislerp' gives the mean direction in one step, which no method here does",
      "write merge_method: karcher, which finds the mean on the sphere, with equal weights"
    ),
    "arcee_fusion": (
      "'arcee_fusion' compares whole weights of the base model, which an adapter does not have", "use another method"
    ),
    "nearswap": (
      "'nearswap' compares whole weights of the base model, which an adapter does not have", "use another method"
    ),
    "ram": ("'ram' is not supported", "'ties' and 'sce' are the closest"),
    "ramplus_tl": ("'ramplus_tl' is not supported", "'ties' and 'sce' are the closest"),
  ]

  /// A mask and a plain sum.
  private static func summing(
    _ name: String, _ id: String, _ more: [MergekitParameter] = [],
    settings: [String: String] = ["preset": "mergekit"], note: String? = nil
  ) -> Self {
    Self(
      name: name, id: id, settings: settings,
      parameters: [.density, .lambda, .normalizeSum, .rescale, .int8Mask] + more, note: note)
  }

  /// A mask and a sign election.
  private static func agreeing(
    _ name: String, _ id: String, _ more: [MergekitParameter] = [],
    settings: [String: String] = ["preset": "mergekit"], note: String? = nil
  ) -> Self {
    Self(
      name: name, id: id, settings: settings,
      parameters: [.density, .lambda, .normalizeAgreement, .rescale, .int8Mask] + more, note: note)
  }

  private static let draws = "the random numbers differ from mergekit's: entries are drawn with 'seed'"

  private static let arc =
    "angles are those between the updates; between full weights, as in mergekit, they are nearly 0"
}
