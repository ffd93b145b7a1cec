import Glibc
import PluginKit

/// How likely the untuned model finds the answer.
struct Perplexity: Scorer {
  static let id = "perplexity"
  static let summary = "How likely the untuned model finds a sample's answer, given the question."
  static let details = """
    With L the mean loss of the answer's tokens under the base model (base_loss in the ledger), PPL = exp(L). \
    scale: log uses −L = −ln PPL, scale: linear uses −PPL. The order is the same; the log is better for means and for \
    adding to other scores, because a few hopeless answers do not outweigh all others.

    It detects broken text, but not what a language model likes: loops, generic answers and echoes of the question score \
    higher than good answers.
    """
  static let reference = "The PPL baseline of CLUES; Superfiltering (Li et al. 2024)"

  enum Scale: String, ParameterChoice { case log, linear }
  @Parameter("Whether the score is −ln PPL or −PPL.") var scale = Scale.log

  private var checkpoint: Checkpoint?

  /// The base model does not change, so one checkpoint suffices.
  var needs: [Needs] { [Needs(columns: [Column.tokens, Column.baseLoss], checkpoints: .last)] }

  mutating func begin(_ checkpoint: Checkpoint) throws { self.checkpoint = checkpoint }

  mutating func scores() throws -> [Score] {
    guard let checkpoint else { return [] }
    return checkpoint.score { sample throws(Unscorable) in
      _ = try checkpoint.tokens(of: sample)
      let loss = try checkpoint.value(Column.baseLoss, of: sample)
      return scale == .log ? -loss : -exp(loss)
    }
  }
}
