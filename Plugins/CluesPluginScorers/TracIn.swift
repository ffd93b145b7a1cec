import PluginKit

/// Inner products of raw gradients, weighted with the learning rates.
struct TracIn: Scorer {
  static let id = "tracin"
  static let summary = "How much steps on a sample, by plain gradient descent, would have lowered the validation loss."
  /// A ledger holds the very sums that gradients give.
  static let alternativesAgree = true
  static let details = """
        S(z) = Σ over checkpoints of η̄ · Σ over domains of w · ⟨g(z), V⟩

    g is the sample's gradient, V a domain's mean validation gradient and η̄ the mean learning rate of the last epoch. The \
    own domain counts 1, others scoring_weight. A ledger gives the same scores as the gradients.

    It detects what clues detects and, like clues, misses swapped answers. A long gradient counts as a good one, so it is \
    weak on answers that were cut, and clients with large gradients or learning rates score higher.
    """
  static let reference = "Pruthi et al. 2020, Estimating Training Data Influence by Tracing Gradient Descent (TracInCP)"

  @Parameter("The weight of other domains' validation gradients; the own domain has weight 1.", in: 0...(.infinity))
  var scoringWeight = 0.0

  private var alignment: Alignment?
  private var weights: [Double] = []

  var needs: [Needs] {
    Alignment.needs(.gradient, evidence: .learningRate, norms: false, targetNorms: false)
  }

  mutating func begin(_ checkpoint: Checkpoint) throws {
    let own = try DomainWeights(checkpoint, others: scoringWeight)
    weights = own.weights
    alignment = Alignment(
      .gradient, at: checkpoint, domains: own.domains, from: needs[checkpoint.alternative], norms: false)
  }

  mutating func begin(_ tensor: GradientTensor) throws { alignment?.begin(tensor) }

  mutating func update(_ rows: GradientRows) throws {
    try alignment?.checkpoint.host.checkCancellation()
    alignment?.add(rows)
  }

  mutating func scores() throws -> [Score] {
    guard let alignment else { return [] }
    return alignment.checkpoint.score { sample throws(Unscorable) in
      var sum = 0.0
      for (index, weight) in weights.enumerated() { sum += weight * (try alignment.product(sample, index)) }
      return alignment.checkpoint.learningRate * sum
    }
  }

  func combine(_ checkpoints: [[Score]]) throws -> [Score] {
    mean(of: checkpoints).map { score in
      if case .value(let value) = score { .value(value * Double(checkpoints.count)) } else { score }
    }
  }
}
