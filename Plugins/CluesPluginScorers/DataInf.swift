import PluginKit

/// The influence function with an inverse Hessian in closed form.
struct DataInf: Scorer {
  static let id = "datainf"
  static let summary = "What leaving a sample out would do to the validation loss, by influence functions."
  static let details = """
    At the last checkpoint, for every LoRA matrix l with d_l elements, over the n training samples:

        λ_l = damping · mean of ‖g_i‖² / d_l
        h_l = 1/(n·λ_l) · Σ over i of [V_l − ⟨V_l, g_i⟩ / (λ_l + ‖g_i‖²) · g_i]
        S(k) = Σ over l of ⟨h_l, g_k⟩

    V is the mean validation gradient: that of the own domain, plus scoring_weight times those of the others. The \
    published influence is −S: negative is helpful. Anchors are scored with the h of the training samples. It needs \
    gradients, and reads the rows three times.

    It has the strengths and blind spots of tracin, and also misses what the client's model has memorized by the last \
    checkpoint.
    """
  static let reference = "Kwon et al. 2024, DataInf: Efficiently Estimating Data Influence in LoRA-tuned LLMs"

  @Parameter("The damping of the Hessian, as a share of its mean diagonal.", in: 1e-6...1e6) var damping = 0.1
  @Parameter("The weight of other domains' validation gradients; the own domain has weight 1.", in: 0...(.infinity))
  var scoringWeight = 0.0

  private var checkpoint: Checkpoint?
  private var domains: DomainWeights?
  /// Why a sample has no score; it is left out of all averages from then on.
  private var reasons: [String?] = []
  private var values: [Double] = []
  private var isZero: [Bool] = []
  private var target: [Float] = []
  private var squares: [Double] = []
  private var products: [Double] = []
  /// h, and λ, after the first pass over the rows.
  private var direction: [Double] = []
  private var lambda: Double?

  var needs: [Needs] {
    [
      Needs(
        [.gradients, .validationMeans], columns: [Column.tokens], passes: 3,
        checkpoints: .last)
    ]
  }

  mutating func begin(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    domains = try DomainWeights(checkpoint, others: scoringWeight)
    values = [Double](repeating: 0, count: checkpoint.sampleCount)
    isZero = [Bool](repeating: true, count: checkpoint.sampleCount)
    reasons = (0..<checkpoint.sampleCount).map { sample in
      do throws(Unscorable) {
        _ = try checkpoint.tokens(of: sample)
        return nil
      } catch {
        return error.reason
      }
    }
  }

  mutating func begin(_ tensor: GradientTensor) throws {
    guard let domains else { return }
    var sum = [Double](repeating: 0, count: tensor.elementCount)
    for (domain, weight) in zip(domains.domains, domains.weights) {
      add(weight, times: tensor.validationMean(domain), to: &sum)
    }
    target = sum.map { Float($0) }
    squares = [Double](repeating: 0, count: values.count)
    products = squares
    direction = [Double](repeating: 0, count: tensor.elementCount)
    lambda = nil
  }

  mutating func update(_ rows: GradientRows) throws {
    try checkpoint?.host.checkCancellation()
    switch rows.pass {
    case 0: measure(rows)
    case 1: accumulate(rows)
    default: score(rows)
    }
  }

  private mutating func measure(_ rows: GradientRows) {
    for sample in rows.samples {
      let gradient = rows[sample]
      squares[sample] = innerProduct(gradient, gradient)
      products[sample] = target.withUnsafeBufferPointer { innerProduct(gradient, $0) }
      isZero[sample] = isZero[sample] && gradient.isZero
      if !squares[sample].isFinite { reasons[sample] = reasons[sample] ?? "its gradient is not finite" }
    }
  }

  /// The training samples in the averages.
  private var averaged: [Int] {
    values.indices.filter { checkpoint?.splits[$0] == .train && reasons[$0] == nil }
  }

  private mutating func accumulate(_ rows: GradientRows) {
    let lambda = lambda ?? startDirection()
    guard lambda > 0 else { return }
    let count = Double(averaged.count)
    for sample in rows.samples where checkpoint?.splits[sample] == .train && reasons[sample] == nil {
      let factor = -products[sample] / (lambda + squares[sample]) / (count * lambda)
      add(factor, times: rows[sample], to: &direction)
    }
  }

  /// Sets λ and starts h with the part that all samples share: V/λ.
  private mutating func startDirection() -> Double {
    let averaged = averaged
    let mean = averaged.reduce(0) { $0 + squares[$1] } / Double(max(1, averaged.count))
    let lambda = damping * mean / Double(max(1, target.count))
    self.lambda = lambda
    if lambda > 0 { direction = target.map { Double($0) / lambda } }
    return lambda
  }

  private mutating func score(_ rows: GradientRows) {
    for sample in rows.samples where reasons[sample] == nil && squares[sample] > 0 {
      guard let lambda, lambda > 0 else {
        reasons[sample] = "it has a gradient in a tensor in which no training sample has one"
        continue
      }
      let gradient = rows[sample]
      var sum = 0.0
      for index in gradient.indices { sum += direction[index] * Double(gradient[index]) }
      values[sample] += sum
    }
  }

  mutating func scores() throws -> [Score] {
    guard let checkpoint else { return [] }
    guard !averaged.isEmpty else {
      throw PluginError("client '\(checkpoint.client)' has no training sample with a gradient")
    }
    return checkpoint.score { sample throws(Unscorable) in
      if let reason = reasons[sample] { throw Unscorable(reason) }
      if isZero[sample] { throw Unscorable("its gradient is zero") }
      return values[sample]
    }
  }
}
