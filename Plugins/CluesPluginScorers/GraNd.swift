import PluginKit

/// The norm of the gradient.
struct GraNd: Scorer {
  static let id = "grand"
  static let summary = "How small a sample's gradient is, or how large."
  /// A ledger holds the very sums that gradients give.
  static let alternativesAgree = true
  static let details = """
    The mean of ‖g(z)‖ over the checkpoints. keep: low uses the score −‖g‖, which removes noise: wrong answers have large \
    gradients. keep: high uses ‖g‖, which prunes samples that are already easy; this is the paper's aim.

    It detects noise, but not what a sample teaches: a loop has as small a gradient as a good answer, typos in a long \
    answer a smaller one, and a short answer a large one however good it is.
    """
  static let reference = "Paul et al. 2021, Deep Learning on a Data Diet: Finding Important Examples Early in Training"

  @Parameter("Whether samples with low or with high norms are the good ones.") var keep = Keep.low

  private var checkpoint: Checkpoint?
  private var sums: SampleSums?

  var needs: [Needs] {
    [
      Needs(columns: [Column.tokens, Column.gradientNorm]),
      Needs(.gradients, columns: [Column.tokens]),
    ]
  }

  mutating func begin(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    sums =
      checkpoint.alternative == 0
      ? nil : SampleSums(sampleCount: checkpoint.sampleCount, targetCount: 0, squares: true)
  }

  mutating func begin(_ tensor: GradientTensor) throws { sums?.begin(tensor, targets: []) }

  mutating func update(_ rows: GradientRows) throws {
    try checkpoint?.host.checkCancellation()
    sums?.add(rows)
  }

  mutating func scores() throws -> [Score] {
    guard let checkpoint else { return [] }
    return checkpoint.score { sample throws(Unscorable) in
      _ = try checkpoint.tokens(of: sample)
      let norm =
        if let sums { try sums.norm(sample) } else { try checkpoint.norm(Column.gradientNorm, of: sample) }
      return keep.sign * norm
    }
  }
}

/// Which end of a scale has the good samples.
enum Keep: String, ParameterChoice {
  case low, high

  var sign: Double { self == .low ? -1 : 1 }
}
