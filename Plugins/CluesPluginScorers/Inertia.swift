import PluginKit

/// Counts the directions in which ε alone decides the preconditioning, and warns if they are the majority.
///
/// Second moments of LoRA parameters are tiny, often far below 10⁻⁸: then the update is hardly Adam's but the gradient times
/// a constant. One warning per client is enough.
struct Inertia {
  private var inert = 0
  private var all = 0
  private var isReported = false

  mutating func add(_ tensor: GradientTensor, _ preconditioner: Preconditioner) {
    inert += preconditioner.inertCount(tensor.secondMoment)
    all += tensor.elementCount
  }

  mutating func report(at checkpoint: Checkpoint) {
    defer { (inert, all) = (0, 0) }
    guard !isReported, all > 0, 2 * inert > all else { return }
    isReported = true
    checkpoint.host.log(
      "preconditioning is nearly inert for client '\(checkpoint.client)' at checkpoint \(checkpoint.step): "
        + "\(100 * inert / all) % of Adam's second moments are far below epsilon, so those directions are all "
        + "scaled alike", level: .warning)
  }
}
