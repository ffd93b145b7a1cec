import Diagnostics

/// Recognizes optimizers without Adam's two plain moments by their state, so that a refusal can name them.
enum OtherOptimizer {
  static let advice =
    "train with PyTorch's AdamW (optim: adamw_torch), or use scores that need no moments, or a ledger"

  /// - throws: ``Failure`` `badData` unless a parameter's state has plain `exp_avg` and `exp_avg_sq`.
  static func refuse(stateWith keys: Set<String>) throws {
    if let known = known.first(where: { !$0.marks.isDisjoint(with: keys) }) { throw written(by: known.name) }
    if keys.isSuperset(of: ["exp_avg", "exp_avg_sq"]) { return }
    if keys.contains("exp_avg") { throw written(by: "Lion or another optimizer that keeps no squares of gradients") }
    if keys.contains("momentum_buffer") || keys.isSubset(of: ["step"]) {
      throw written(by: "SGD, Muon or another optimizer that keeps no squares of gradients")
    }
    throw written(by: "an optimizer that does not keep Adam's exp_avg and exp_avg_sq")
  }

  /// - throws: ``Failure`` `badData` if the settings are those of SGD, which may keep no state at all.
  static func refuse(groupWith keys: Set<String>) throws {
    if keys.isSuperset(of: ["momentum", "dampening"]) { throw written(by: "SGD, which keeps no squares of gradients") }
    if keys.contains("scale_parameter") { throw written(by: "Adafactor, which keeps squares by rows and columns only") }
  }

  private static let known: [(marks: Set<String>, name: String)] = [
    (
      [
        "state1", "state2", "absmax1", "absmax2", "qmap1", "qmap2", "__bnb_optimizer_quant_state__",
      ],
      "bitsandbytes (8-bit or paged), whose moments are packed"
    ),
    (["exp_avg_sq_row", "exp_avg_sq_col", "RMS"], "Adafactor, which keeps squares by rows and columns only"),
    (["square_avg"], "RMSprop or Adadelta"),
    (["exp_inf"], "Adamax"),
    (["sum"], "Adagrad"),
    (["z"], "a schedule-free optimizer, which keeps no mean of gradients"),
  ]

  private static func written(by name: String) -> Failure {
    Failure(.badData, "was written by \(name)", advice: advice)
  }
}
