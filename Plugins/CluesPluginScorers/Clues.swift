import PluginKit

/// The score of CLUES: how much training on a sample would help the validation data, as the optimizer sees it.
struct Clues: Scorer {
  static let id = "clues"
  static let summary = "How well a sample's update, as Adam would make it, agrees with the validation gradients."
  /// A ledger holds the very sums that gradients give.
  static let alternativesAgree = true
  static let details = """
    Per checkpoint t, with the client's own Adam moments m and v and the sample's gradient g:

        m'     = 0.9·m + 0.1·g
        v'     = 0.999·v + 0.001·g²
        Γ(z)   = m' / √(v' + ε)
        s_t(z) = Σ over domains d of w_d · ⟨Γ(z), V_d⟩
        S(z)   = mean of s_t(z) over the checkpoints

    V_d is the mean raw validation gradient of d.

    preset: reference is what the paper's code computes, including its quirks: s_t is weighted by the mean learning rate \
    of the last epoch, all domains count alike, the momentum is part of Γ, and nothing accounts for length.

    preset: calibrated makes the scores of different clients comparable, as one threshold for all requires. It omits \
    momentum, which is the same for all samples of a client, so it says nothing about any of them but shifts them \
    together. Only the client's own domain counts. The score is multiplied by the number of tokens of the answer: losses \
    are means over tokens, so a short answer has a large gradient, but batches are means over tokens too, so a short \
    answer moves the model little. All checkpoints count alike, whatever their learning rates.

    The two differ in four parameters; setting one overrides the preset:

        parameter        reference   calibrated
        momentum         true        false
        scoring_weight   1           0
        length           mean        sum
        learning_rate    true        false

    It detects broken text and fluent junk alike, but hardly notices an answer to another question from the same domain. \
    Divided by the update's length (normalize: sample, with length: mean) it considers only the direction: better on \
    loops and swapped answers, worse on answers that were cut.

    The other parameters are further quirks of the paper's code, to see what they do. A ledger gives the same scores as \
    the gradients as long as eps, bias_correction and constants keep their defaults; normalize: target and cosine need \
    its column validation_norm.<domain>.
    """
  static let reference =
    "CLUES: Collaborative High-Quality Data Selection for LLMs via Training Dynamics, NeurIPS 2024 (arXiv 2507.03004)"

  enum Preset: String, ParameterChoice { case calibrated, reference }
  enum Constants: String, ParameterChoice { case reference, file }
  enum Normalize: String, ParameterChoice { case none, sample, target, cosine }
  enum Length: String, ParameterChoice { case mean, sum }
  enum Aggregate: String, ParameterChoice { case mean, sum }

  @Parameter("Defaults of other parameters: as in the paper's code, or such that clients are comparable.")
  var preset = Preset.reference
  @Parameter("Whether Adam's first moment is part of the update; the preset decides.") var momentum: Bool? = nil
  @Parameter(
    "The weight of other domains' validation gradients, relative to the own domain; the preset decides.",
    in: 0...(.infinity)) var scoringWeight: Double? = nil
  @Parameter("Whether the loss is the mean over the answer's tokens or their sum; the preset decides.")
  var length: Length? = nil
  @Parameter("Whether checkpoints are weighted by their learning rates; the preset decides.")
  var learningRate: Bool? = nil
  @Parameter("Whether ε is inside the root, as in CLUES and LESS, or outside, as in PyTorch.")
  var eps = Preconditioner.Epsilon.inside
  @Parameter("Whether the moments are corrected for their start at zero.") var biasCorrection = false
  @Parameter("β and ε: 0.9, 0.999 and 1e-8 (reference), or those in the optimizer's file.")
  var constants = Constants.reference
  @Parameter("Divide by the norm of the sample's update, of the validation gradient (target), or of both (cosine).")
  var normalize = Normalize.none
  @Parameter("Mean or sum over the checkpoints.") var aggregate = Aggregate.mean

  private var alignment: Alignment?
  private var weights: [Double] = []
  private var inertia = Inertia()

  func validate() throws {
    if usesMomentum && sumsTokens {
      throw PluginError(
        "length: sum requires momentum: false: the momentum belongs to the whole batch, but would be multiplied "
          + "by the tokens of each sample", status: .invalidArgument)
    }
  }

  var needs: [Needs] {
    Alignment.needs(
      vector(at: nil), evidence: usesLearningRate ? .learningRate : [],
      norms: dividesByUpdate, targetNorms: dividesByTarget)
  }

  mutating func begin(_ checkpoint: Checkpoint) throws {
    if biasCorrection && checkpoint.optimizerStep.isNaN {
      throw PluginError(
        "bias_correction depends on the optimizer's step, but the parameters of this checkpoint have taken different numbers "
          + "of steps; omit bias_correction")
    }
    let own = try DomainWeights(checkpoint, others: otherDomains)
    weights = own.weights
    alignment = Alignment(
      vector(at: checkpoint), at: checkpoint, domains: own.domains, from: needs[checkpoint.alternative],
      norms: dividesByUpdate)
  }

  mutating func begin(_ tensor: GradientTensor) throws {
    alignment?.begin(tensor)
    if let checkpoint = alignment?.checkpoint { inertia.add(tensor, preconditioner(at: checkpoint)) }
  }

  mutating func update(_ rows: GradientRows) throws {
    try alignment?.checkpoint.host.checkCancellation()
    alignment?.add(rows)
  }

  mutating func scores() throws -> [Score] {
    guard let alignment else { return [] }
    inertia.report(at: alignment.checkpoint)
    let rate = usesLearningRate ? alignment.checkpoint.learningRate : 1
    return alignment.checkpoint.score { sample throws(Unscorable) in
      var sum = 0.0
      for (index, weight) in weights.enumerated() {
        var product = try alignment.product(sample, index)
        if dividesByTarget { product /= try alignment.targetNorm(sample, index) }
        sum += weight * product
      }
      if dividesByUpdate { sum /= try alignment.norm(sample) }
      if sumsTokens { sum *= try alignment.checkpoint.tokens(of: sample) }
      return rate * sum
    }
  }

  func combine(_ checkpoints: [[Score]]) throws -> [Score] {
    let mean = mean(of: checkpoints)
    guard aggregate == .sum else { return mean }
    return mean.map { score in
      if case .value(let value) = score { .value(value * Double(checkpoints.count)) } else { score }
    }
  }

  private var isReference: Bool { preset == .reference }
  private var usesMomentum: Bool { momentum ?? isReference }
  private var otherDomains: Double { scoringWeight ?? (isReference ? 1 : 0) }
  private var sumsTokens: Bool { length.map { $0 == .sum } ?? !isReference }
  private var usesLearningRate: Bool { learningRate ?? isReference }

  private var dividesByUpdate: Bool { normalize == .sample || normalize == .cosine }
  private var dividesByTarget: Bool { normalize == .target || normalize == .cosine }

  /// Without a checkpoint the constants of the file are unknown, but the needs do not depend on them.
  private func vector(at checkpoint: Checkpoint?) -> Alignment.Vector {
    let isInLedger = eps == .inside && !biasCorrection && constants == .reference
    let held = usesMomentum ? Alignment.LedgerVector.reference : .adam
    return .preconditioned(preconditioner(at: checkpoint), ledger: isInLedger ? held : nil)
  }

  private func preconditioner(at checkpoint: Checkpoint?) -> Preconditioner {
    let step = biasCorrection ? checkpoint?.optimizerStep : nil
    guard constants == .file, let checkpoint else {
      return Preconditioner(eps, momentum: usesMomentum, correctedAt: step)
    }
    return Preconditioner(
      betas: checkpoint.betas, epsilon: checkpoint.epsilon, eps, momentum: usesMomentum, correctedAt: step)
  }
}
