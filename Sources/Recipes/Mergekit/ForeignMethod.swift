/// The equivalent of another program's merge method.
///
/// PEFT and mergekit have different methods of the same name, so none of their names is accepted as one of ours.
public enum ForeignMethod {
  /// What to use instead of `name`; nil for a name that no known program has.
  public static func advice(about name: String) -> String? {
    let name = name.lowercased().replacing("-", with: "_")
    if let advice = own[name] { return advice }
    if name.hasSuffix("_svd"), let method = decomposed[String(name.dropLast("_svd".count))] {
      return "PEFT's '\(name)' is '\(method)' in the space 'delta', with a rank"
    }
    if let refused = MergekitMethod.refused[name] { return "mergekit's \(refused.why); \(refused.advice)" }
    // A name of ours in another case is a slip, not a method of another program.
    guard let method = MergekitMethod.all.first(where: { $0.name == name && $0.id != name }) else { return nil }
    let preset = method.settings["preset"].map { "; preset: \($0) gives the same numbers" } ?? ""
    return "mergekit's '\(name)' is '\(method.id)' here\(preset)"
  }

  private static let own: [String: String] = {
    var advice = [
      "linear":
        "mergekit's 'linear' is 'average', which divides by the weights; PEFT's 'linear' is 'task-arithmetic', "
        + "which gives PEFT's numbers in the space 'factors'",
      "svd": "PEFT's 'svd' is 'task-arithmetic' with a rank",
      "cat": "PEFT's 'cat' is 'task-arithmetic' in the space 'stack' with the rank 'full'",
      "dare": "there are 'dare-linear' and 'dare-ties'",
      "prune": "PEFT's 'magnitude_prune' is 'magnitude-prune'",
      "task": "did you mean 'task-arithmetic'?",
      "sum": "the sum of the weighted updates is 'task-arithmetic'",
      "add": "the sum of the weighted updates is 'task-arithmetic'",
    ]
    for name in ["mean", "avg", "fedavg", "weighted_average", "weighted_mean", "model_soup", "model_soups", "soup"] {
      advice[name] = "the weighted mean of the updates is 'average'"
    }
    return advice
  }()

  /// PEFT's methods that can be applied to the updates as well as to their factors.
  private static let decomposed = [
    "ties": "ties", "dare_ties": "dare-ties", "dare_linear": "dare-linear", "magnitude_prune": "magnitude-prune",
  ]
}
