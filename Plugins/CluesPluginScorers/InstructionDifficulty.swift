import Glibc
import PluginKit

/// The instruction-following difficulty: how much the question helps with the answer.
struct InstructionDifficulty: Scorer {
  static let id = "ifd"
  static let summary = "How much the question helps the untuned model with the answer."
  static let details = """
    With L(a|q) and L(a) the mean losses of the answer's tokens under the base model with and without the question \
    (base_loss and base_loss_without_prompt in the ledger): form: ratio is L(a|q) / L(a), form: perplexity is \
    PPL(a|q) / PPL(a). Low values mean that question and answer fit together.

    keep: low uses the score −IFD and finds answers that do not fit their question. keep: high is the papers' use, to find \
    samples worth learning from in clean data; there samples above 1 are unscored, because their question makes the \
    answer less likely.

    It detects answers that do not fit their question. It is weak on answers that were cut or are generic, and gives an \
    echo of the question the highest score of all.
    """
  static let reference =
    "Li et al. 2024, From Quantity to Quality (IFD, Cherry); Li et al. 2024, Superfiltering (perplexity form)"

  enum Form: String, ParameterChoice { case ratio, perplexity }
  @Parameter("Whether losses or perplexities are divided.") var form = Form.ratio
  @Parameter("Whether samples with low or with high difficulty are the good ones.") var keep = Keep.low

  private var checkpoint: Checkpoint?

  var needs: [Needs] { [BaseLosses.needs] }

  mutating func begin(_ checkpoint: Checkpoint) throws { self.checkpoint = checkpoint }

  mutating func scores() throws -> [Score] {
    guard let checkpoint else { return [] }
    return checkpoint.score { sample throws(Unscorable) in
      let losses = try BaseLosses(of: sample, at: checkpoint)
      if form == .ratio, losses.without == 0 { throw Unscorable("its \(Column.baseLossWithoutPrompt) is zero") }
      let difficulty = form == .ratio ? losses.with / losses.without : exp(losses.with - losses.without)
      if keep == .high, difficulty > 1 {
        throw Unscorable("its question makes the answer less likely, with a difficulty of \(difficulty)")
      }
      return keep.sign * difficulty
    }
  }
}
