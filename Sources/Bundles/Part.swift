/// What can be asked of a bundle; only what is asked for is read.
public enum Part: String, Sendable, CaseIterable {
  /// The adapter that stands for the client: the final one, or that of the step that was chosen.
  case adapter

  /// The adapters of all checkpoints.
  case adapters

  /// `trainer_state.json` of all checkpoints.
  case trainerStates = "trainer-state"

  /// `optimizer.pt` of all checkpoints.
  case optimizers = "optimizer"

  /// Per-sample gradients of all checkpoints.
  case gradients

  /// `samples.jsonl`.
  case samples

  /// `ledger.jsonl`.
  case ledger

  /// The parts of which there is one for each checkpoint.
  static let ofCheckpoints: Set<Part> = [.adapters, .trainerStates, .optimizers, .gradients]
}
