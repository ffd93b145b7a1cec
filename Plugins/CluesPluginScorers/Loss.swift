import PluginKit

/// The loss of the client's own model.
struct Loss: Scorer {
  static let id = "loss"
  static let summary = "How low the client's own model has a sample's loss, on average over the checkpoints."
  static let details = """
    S(z) = −mean over checkpoints of the answer's mean token loss (loss in the ledger and in gradient files). The \
    model has seen the sample: what it learned by heart has a low loss too, however wrong it is. perplexity asks the \
    untuned model.

    It sees broken text, and is blind to what perplexity is blind to, loops, generic answers and echoes, and to what the \
    client's model learned from bad samples.
    """

  private var checkpoint: Checkpoint?

  var needs: [Needs] { [Needs(columns: [Column.tokens, Column.loss])] }

  mutating func begin(_ checkpoint: Checkpoint) throws { self.checkpoint = checkpoint }

  mutating func scores() throws -> [Score] {
    guard let checkpoint else { return [] }
    return checkpoint.score { sample throws(Unscorable) in
      _ = try checkpoint.tokens(of: sample)
      return -(try checkpoint.value(Column.loss, of: sample))
    }
  }
}
