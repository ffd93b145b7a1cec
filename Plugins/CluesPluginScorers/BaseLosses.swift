import PluginKit

/// The losses of an answer under the untuned model, which is the same at every checkpoint.
struct BaseLosses {
  static var needs: Needs {
    Needs(columns: [Column.tokens, Column.baseLoss, Column.baseLossWithoutPrompt], checkpoints: .last)
  }

  /// The number of tokens of the answer.
  let tokens: Double
  /// The mean loss per token, with the question before the answer and without.
  let with: Double
  let without: Double

  init(of sample: Int, at checkpoint: Checkpoint) throws(Unscorable) {
    tokens = try checkpoint.tokens(of: sample)
    with = try checkpoint.value(Column.baseLoss, of: sample)
    without = try checkpoint.value(Column.baseLossWithoutPrompt, of: sample)
  }
}
