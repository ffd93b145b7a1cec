import PluginKit

/// The pointwise mutual information of question and answer.
struct MutualInformation: Scorer {
  static let id = "pmi"
  static let summary = "How much the question tells the untuned model about a sample's answer, over all its tokens."
  static let details = """
    With n the tokens of the answer, and L(a|q) and L(a) their mean losses under the base model with and without the \
    question (base_loss and base_loss_without_prompt in the ledger):

        S(z) = n · (L(a) − L(a|q)) = ln p(a|q) − ln p(a)

    in nats. ifd is the same comparison per token: it says how well question and answer fit together, while this says how \
    much of an answer there is. An answer that was cut fits its question as well as a complete one, but there is less of \
    it; the same goes for an empty phrase.

    It detects answers to other questions, answers that were cut, and generic ones, which do not depend on the question. It \
    misses echoes of the question, and is weak on typos and loops. How much there is to say differs between tasks: a \
    translation has twice the information of a definition; compare clients by their own anchors.
    """
  static let reference =
    "Church and Hanks 1990, Word Association Norms, Mutual Information, and Lexicography"

  private var checkpoint: Checkpoint?

  var needs: [Needs] { [BaseLosses.needs] }

  mutating func begin(_ checkpoint: Checkpoint) throws { self.checkpoint = checkpoint }

  mutating func scores() throws -> [Score] {
    guard let checkpoint else { return [] }
    return checkpoint.score { sample throws(Unscorable) in
      let losses = try BaseLosses(of: sample, at: checkpoint)
      return losses.tokens * (losses.without - losses.with)
    }
  }
}
