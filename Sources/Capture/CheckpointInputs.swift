import Adapters
import Bundles
import Diagnostics
import Engine
import Tensors

/// A checkpoint's inputs to a capture.
struct CheckpointInputs: Sendable {
  let files: Checkpoint
  let adapter: Adapter
  let learningRate: Double?

  /// By the parameters' names in `adapter_model.safetensors`, after PEFT's prefix; nil if there is no optimizer state.
  let moments: [String: OptimizerState.Moments]?

  /// Remarks for the user, none of them an error.
  let notes: [String]

  var step: Int { files.step }

  init(_ files: Checkpoint) throws {
    self.files = files
    adapter = try files.adapter.adapter()
    var notes = adapter.notes.map { "checkpoint \(files.step): \($0)" }
    let optimizer = try files.optimizer.map { file in
      try locating(file: file.name) { try OptimizerState(file.bytes(), limits: file.limits) }
    }
    let rate = try Self.learningRate(files, optimizer)
    learningRate = rate?.mean
    if let note = rate?.note { notes.append("checkpoint \(files.step): \(note)") }
    if rate == nil {
      notes.append(
        "checkpoint \(files.step): no learning rate is known, so scorers that weight checkpoints cannot use it")
    }
    let parameters = adapter.modules.values.sorted { $0.name < $1.name }.flatMap { module in
      module.parameters.map { (name: $0.name, shape: $0.tensor.shape) }
    }
    moments = try optimizer.map { state in
      try locating(file: files.optimizer?.name) { try state.moments(for: parameters) }
    }
    if optimizer == nil {
      let others =
        files.otherOptimizers.isEmpty ? "" : " (\(files.otherOptimizers.joined(separator: ", ")) is not read)"
      notes.append(
        "checkpoint \(files.step): there is no optimizer.pt\(others), so the columns adam_… and reference_… are left out"
      )
    }
    if let group = optimizer?.groups.first(where: { $0.beta1 != 0.9 || $0.beta2 != 0.999 || $0.epsilon != 1e-8 }) {
      notes.append(
        "checkpoint \(files.step): was trained with betas \(group.beta1) and \(group.beta2) and eps \(group.epsilon); a ledger's "
          + "columns are those of 0.9, 0.999 and 1e-08")
    }
    self.notes = notes
  }

  /// The logged rate, otherwise the optimizer's.
  private static func learningRate(_ files: Checkpoint, _ optimizer: OptimizerState?) throws -> LearningRate? {
    let trainer = try files.trainerState.map { file in
      try locating(file: file.name) {
        let state = try TrainerState(file.bytes(), limits: file.limits)
        guard state.step == files.step else {
          throw Failure(
            .badData, "is from step \(state.step), but is in the checkpoint of step \(files.step)",
            advice: "put the trainer_state.json of the same checkpoint there")
        }
        return state
      }
    }
    if let rate = trainer.flatMap({ LearningRate(log: $0) }) { return rate }
    return try optimizer.map { state in
      try locating(file: files.optimizer?.name) { try LearningRate(optimizer: state) }
    }
  }
}
