/// The parts of a bundle that can be requested; only requested parts are read.
public enum Part: String, Sendable, CaseIterable {
  /// The adapter used for the client: the final one, or that of the chosen step.
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

  /// The parts that each checkpoint has.
  static let ofCheckpoints: Set<Part> = [.adapters, .trainerStates, .optimizers, .gradients]
}
