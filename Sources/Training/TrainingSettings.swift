import Capture
import Diagnostics

/// The inputs, settings and output of a training. Defaults are those of PEFT's `LoraConfig` and the Trainer's
/// `TrainingArguments`.
package struct TrainingSettings: Sendable {
  /// The base model, the sample files and their encoding; its client is the output folder. Anchors and validation samples are
  /// for ``captures``.
  package var data: CaptureSettings

  /// The folder for the checkpoints and the final adapter.
  package var output: String { data.client }

  /// The adapter to start from; nil for a new one.
  package var initial: String?

  /// The rank and alpha of a new adapter, and whether its scaling is α/√r.
  package var rank: Int?
  package var alpha: Double?
  package var usesRsLoRA = false

  /// The layers that a new adapter adapts, by names or name endings; `["all-linear"]` for all.
  package var targets: [String]?

  /// The probability that an input of A is dropped; nil for that of ``initial``.
  package var dropout: Double?

  package var length = Length.epochs(3)

  /// Samples per batch, and batches per step.
  package var batch = 8
  package var accumulation = 1

  package var order = SampleOrder.random
  package var seed: UInt64 = 42

  package var learningRate = 5e-5
  package var schedule = Schedule.linear

  /// The number of warm-up steps, or below 1 their share of all steps.
  package var warmup = 0.0

  /// The maximum norm of a gradient; 0 for no limit.
  package var clip = 1.0

  package var weightDecay = 0.0
  package var beta1 = 0.9
  package var beta2 = 0.999
  package var epsilon = 1e-8

  /// The number of steps between checkpoints; nil for an epoch.
  package var saveSteps: Int?

  /// Whether layers are recomputed in the backward pass even if there is memory for their activations.
  package var checkpointsActivations = false

  /// Whether the checkpoints are measured after the training.
  package var captures = false

  package init(data: CaptureSettings) { self.data = data }

  /// The length of the training.
  package enum Length: Sendable, Equatable {
    case steps(Int)
    case epochs(Double)
  }

  /// - throws: ``Failure`` `usage` for invalid numbers.
  package func check() throws {
    func due(_ isDue: Bool, _ what: String) throws {
      guard isDue else { throw Failure(.usage, what) }
    }
    let most = Int(Int32.max)
    try due((1...most).contains(batch), "a batch has 1 to \(most) samples")
    try due((1...most).contains(accumulation), "1 to \(most) batches are accumulated")
    try due((1...most).contains(rank ?? 1), "a rank is a whole number from 1 to \(most)")
    try due((alpha ?? 1).isFinite && (alpha ?? 1) > 0, "alpha is a number above 0")
    try due((0..<1).contains(dropout ?? 0), "dropout is a share from 0 up to 1")
    try due(learningRate.isFinite && learningRate > 0, "the learning rate is a number above 0")
    try due(warmup.isFinite && warmup >= 0, "the warm-up is a number of steps, or a share of them below 1")
    try due(clip.isFinite && clip >= 0, "gradients are clipped to a norm above 0, or not at all with 0")
    try due(weightDecay.isFinite && weightDecay >= 0, "weight decay is a number of at least 0")
    try due((0..<1).contains(beta1) && (0..<1).contains(beta2), "betas are numbers from 0 up to 1")
    try due(epsilon.isFinite && epsilon >= 0, "epsilon is a number of at least 0")
    try due((1...most).contains(saveSteps ?? 1), "checkpoints are at least one step apart")
    switch length {
    case .steps(let steps): try due((1...most).contains(steps), "a training has at least one step")
    case .epochs(let epochs):
      try due(epochs.isFinite && epochs > 0 && epochs <= 1e6, "the number of epochs is above 0")
    }
    guard initial != nil else { return }
    try due(
      rank == nil && alpha == nil && targets == nil && !usesRsLoRA,
      "rank, alpha, rsLoRA and targets are those of the adapter that is gone on from")
  }
}
