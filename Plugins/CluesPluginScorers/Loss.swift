import PluginKit

/// The loss of the client's own model.
struct Loss: Scorer {
  static let id = "loss"
  static let summary = "How low a sample's loss is under the client's own model, on average over the checkpoints."
  static let details = """
    S(z) = −mean over checkpoints of the answer's mean token loss (loss in the ledger and in gradient files). The \
    model has seen the sample: what it has memorized has a low loss too, however wrong it is. perplexity uses the untuned \
    model instead.

    It detects broken text. Like perplexity it misses loops, generic answers and echoes, and also what the client's model \
    learned from bad samples.
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
