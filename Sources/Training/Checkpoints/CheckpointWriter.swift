import Adapters
import Diagnostics
import Engine
import Files
import JSON
import Tensors

/// Writes checkpoints in the format of the Trainer and PEFT, so that both can resume from them, and the final adapter.
struct CheckpointWriter {
  let settings: TrainingSettings
  let plan: TrainingPlan
  let record: TrainingRecord
  let modules: [AdaptedModule]
  let config: JSONObject

  /// Writes a checkpoint, which appears complete.
  ///
  func write(_ state: TrainingState, to folder: String) throws {
    let draft = try Draft(of: folder, isFolder: true)
    do {
      try writeAdapter(state.factors, to: draft.path)
      try optimizer(state).write(to: "\(draft.path)/optimizer.pt")
      try schedule(state).write(to: "\(draft.path)/scheduler.pt")
      try writeWhole(trainerState(state), to: "\(draft.path)/trainer_state.json")
      try writeWhole(record.text, to: "\(draft.path)/\(TrainingRecord.fileName)")
      try draft.replace(folder)
    } catch {
      draft.remove()
      throw error
    }
  }

  /// Writes the two files of an adapter into a folder, the config last.
  func writeAdapter(_ factors: [[Float]], to folder: String) throws {
    let layout = WeightsLayout(
      safetensors: modules.flatMap { module in
        zip(module.parameters, [[module.rank, module.inputs], [module.outputs, module.rank]]).map { name, shape in
          WeightsLayout.Entry(name: tensorName(of: name), dtype: .f32, shape: shape)
        }
      })
    let places = Dictionary(
      uniqueKeysWithValues: modules.flatMap { module in
        module.parameters.enumerated().map { (tensorName(of: $1), 2 * module.place + $0) }
      })
    let path = "\(folder)/\(PEFTFile.weights)"
    try writeWhole(to: path) { descriptor in
      var isWritten = layout.header.withUnsafeBytes { writeAll($0, to: descriptor) }
      for entry in layout.entries {
        guard let place = places[entry.name] else { preconditionFailure("a tensor has factors") }
        isWritten = isWritten && factors[place].withUnsafeBytes { writeAll($0, to: descriptor) }
      }
      guard isWritten else { throw Failure.cannotWrite(path) }
    }
    try writeWhole(
      JSONValue.object(config).text(indented: true, sorted: true) + "\n", to: "\(folder)/\(PEFTFile.config)")
  }

  private func rate(after step: Int) -> Double {
    settings.learningRate * settings.schedule.factor(step: step, warmup: plan.warmupSteps, total: plan.steps)
  }

  /// `torch.optim.AdamW.state_dict()` with the two groups of the Trainer: parameters with decay, and those without,
  /// of which LoRA has none.
  private func optimizer(_ state: TrainingState) -> TorchFile {
    let shapes = modules.flatMap { [[$0.rank, $0.inputs], [$0.outputs, $0.rank]] }
    let states = shapes.enumerated().map { place, shape in
      (
        key: PythonValue.integer(place),
        value: PythonValue.object([
          ("step", .tensor(record: 3 * place, shape: [])), ("exp_avg", .tensor(record: 3 * place + 1, shape: shape)),
          ("exp_avg_sq", .tensor(record: 3 * place + 2, shape: shape)),
        ])
      )
    }
    func group(_ decay: Double, _ places: [Int]) -> PythonValue {
      .object([
        ("weight_decay", .real(decay)), ("lr", .real(rate(after: state.step))),
        ("betas", .tuple([.real(settings.beta1), .real(settings.beta2)])), ("eps", .real(settings.epsilon)),
        ("amsgrad", .bool(false)), ("maximize", .bool(false)), ("foreach", .none), ("capturable", .bool(false)),
        ("differentiable", .bool(false)), ("fused", .none), ("decoupled_weight_decay", .bool(true)),
        ("initial_lr", .real(settings.learningRate)), ("params", .list(places.map { .integer($0) })),
      ])
    }
    return TorchFile(
      name: "optimizer",
      value: .object([
        ("state", .dictionary(states)),
        ("param_groups", .list([group(settings.weightDecay, Array(shapes.indices)), group(0, [])])),
      ]),
      records: shapes.indices.flatMap {
        [[Float(state.step)], state.optimizer.first[$0], state.optimizer.second[$0]]
      })
  }

  /// `LambdaLR.state_dict()`.
  private func schedule(_ state: TrainingState) -> TorchFile {
    let rates = PythonValue.list(Array(repeating: .real(rate(after: state.step)), count: 2))
    return TorchFile(
      name: "scheduler",
      value: .object([
        ("base_lrs", .list(Array(repeating: .real(settings.learningRate), count: 2))),
        ("last_epoch", .integer(state.step)), ("_step_count", .integer(state.step + 1)), ("_is_initial", .bool(false)),
        ("_get_lr_called_within_step", .bool(false)), ("_last_lr", rates),
        ("lr_lambdas", .list([.dictionary([]), .dictionary([])])),
      ]))
  }

  private func trainerState(_ state: TrainingState) -> String {
    let control = ["should_epoch_stop", "should_evaluate", "should_log", "should_save", "should_training_stop"]
    let isLast = state.step == plan.steps
    let object: JSONValue = [
      "best_global_step": .null, "best_metric": .null, "best_model_checkpoint": .null,
      "epoch": .number(plan.epoch(after: state.step)), "eval_steps": 500, "global_step": JSONValue(state.step),
      "is_hyper_param_search": false, "is_local_process_zero": true, "is_world_process_zero": true,
      "log_history": .array(state.log), "logging_steps": 1, "max_steps": JSONValue(plan.steps),
      "num_input_tokens_seen": 0, "num_train_epochs": JSONValue(plan.epochs), "save_steps": JSONValue(plan.saveSteps),
      "stateful_callbacks": [
        "TrainerControl": [
          "args": .object(
            JSONObject(
              control.map {
                ($0, .bool($0 == "should_save" || $0 == "should_training_stop" && isLast))
              })), "attributes": [:],
        ]
      ], "total_flos": 0.0, "train_batch_size": JSONValue(settings.batch), "trial_name": .null, "trial_params": .null,
    ]
    return object.text(indented: true, sorted: true) + "\n"
  }
}
