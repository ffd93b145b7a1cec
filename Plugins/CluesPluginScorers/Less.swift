import PluginKit

/// The score of LESS: cosines between a sample's Adam update and the validation gradients.
struct Less: Scorer {
  static let id = "less"
  static let summary = "The cosine between a sample's Adam update and validation gradients, whatever their lengths."
  /// A ledger holds the very sums that gradients give.
  static let alternativesAgree = true
  static let details = """
    Per checkpoint, with Γ as in clues (preset: reference), and with every domain as a subtask d:

        target: samples, as in LESS, the mean over validation samples z' of d
        c_d(z) = mean over z' of cos(Γ(z), g(z'))

        target: mean
        c_d(z) = cos(Γ(z), mean over z' of g(z'))

        S(z)   = max over d of Σ over checkpoints of η̄ · c_d(z)

    η̄ is the mean learning rate of the last epoch, scaled so that the rates of all checkpoints sum to 1. The maximum \
    is taken last, over the domains that count: the client's own, or all. The score at a single checkpoint is its \
    largest c_d.

    projection: k computes the cosines after a random projection to k dimensions (a sparse one: every element goes to one \
    dimension with a random sign), with an error of about 1/√k; 0 computes them exactly, and needs less memory.

    With target: mean and without projection a ledger gives the same scores, if it has the column \
    validation_norm.<domain>: the norm of the mean validation gradient. Without that column a ledger gives no cosine; \
    clues with normalize: sample is the closest substitute.

    It detects broken text and fluent junk alike. Like clues, it misses swapped answers, and it ignores how much there is to \
    a sample, because a cosine has no length: an answer that was cut points the right way too.
    """
  static let reference =
    "Xia et al. 2024, LESS: Selecting Influential Data for Targeted Instruction Tuning (arXiv 2402.04333)"

  enum Target: String, ParameterChoice { case samples, mean }
  enum Domains: String, ParameterChoice { case own, all }

  @Parameter("Cosines with every validation sample, averaged, or with their mean.") var target = Target.samples
  @Parameter("Whether only the own domain counts, or the best of all.") var domains = Domains.own
  @Parameter("Dimensions of the random projection; 0 for none.", in: 0...1_048_576) var projection = 0
  @Parameter("The seed of the projection.") var seed = 0

  private var checkpoint: Checkpoint?
  private var method: (any CosineMethod)?
  /// For every checkpoint so far, η̄ and the cosines by sample and domain.
  private var history: [(rate: Double, cosines: [[Double]])] = []

  private static let vector = Alignment.Vector.preconditioned(Preconditioner(), ledger: .reference)

  var needs: [Needs] {
    let rate = Evidence.learningRate
    guard target == .samples || projection > 0 else {
      return Alignment.needs(Self.vector, evidence: rate, norms: true, targetNorms: true)
    }
    let validation: Evidence = target == .samples ? .validationSamples : .validationMeans
    return [
      Needs([rate, .gradients, .moments, validation], columns: [Column.tokens])
    ]
  }

  mutating func begin(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    let used = try domains == .all ? Array(checkpoint.domains.indices) : DomainWeights(checkpoint, others: 0).domains
    if projection > 0 {
      method = SketchedCosines(checkpoint, domains: used, target, dimension: projection, seed: seed)
    } else if target == .samples {
      method = try SampleCosines(checkpoint, domains: used)
    } else {
      method = MeanCosines(
        alignment: Alignment(
          Self.vector, at: checkpoint, domains: used, from: needs[checkpoint.alternative], norms: true))
    }
  }

  mutating func begin(_ tensor: GradientTensor) throws { try method?.begin(tensor) }

  mutating func update(_ rows: GradientRows) throws {
    try checkpoint?.host.checkCancellation()
    method?.update(rows)
  }

  mutating func scores() throws -> [Score] {
    guard let checkpoint, let method else { return [] }
    var cosines = [[Double]](repeating: [], count: checkpoint.sampleCount)
    let scores = checkpoint.score { sample throws(Unscorable) in
      _ = try checkpoint.tokens(of: sample)
      cosines[sample] = try method.cosines(sample)
      return cosines[sample].max() ?? .nan
    }
    history.append((checkpoint.learningRate, cosines))
    return scores
  }

  func combine(_ checkpoints: [[Score]]) throws -> [Score] {
    let total = history.reduce(0) { $0 + $1.rate }
    guard total > 0 else {
      throw PluginError("the learning rates of the checkpoints sum to \(total), so they cannot be weights")
    }
    return mean(of: checkpoints).enumerated().map { sample, score in
      guard case .value = score else { return score }
      var sums = [Double](repeating: 0, count: history[0].cosines[sample].count)
      for (rate, cosines) in history {
        for (domain, cosine) in cosines[sample].enumerated() { sums[domain] += rate / total * cosine }
      }
      return .value(sums.max() ?? .nan)
    }
  }
}
