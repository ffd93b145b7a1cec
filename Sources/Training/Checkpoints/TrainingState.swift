import Adapters
import Bundles
import Diagnostics
import Engine
import JSON
import Tensors

/// Everything that a training resumes from: the contents of a checkpoint.
struct TrainingState: Sendable {
  /// By layer, A then B.
  var factors: [[Float]]
  var optimizer: AdamW

  /// The entries of `log_history`, one per step.
  var log: [JSONValue] = []

  /// The number of steps taken.
  var step: Int { optimizer.step }

  init(starting adapter: Adapter, _ modules: [AdaptedModule], _ settings: AdamW.Settings) throws {
    factors = try adapter.factors(of: modules)
    optimizer = AdamW(settings, sizes: factors.map(\.count))
  }

  /// Reads a checkpoint that Clues wrote.
  ///
  /// - throws: ``Failure`` `badData` if its files do not belong together.
  init(_ checkpoint: Checkpoint, _ modules: [AdaptedModule], _ settings: AdamW.Settings) throws {
    let adapter = try checkpoint.adapter.adapter()
    guard let file = checkpoint.optimizer, let log = checkpoint.trainerState else {
      throw Failure(
        .badData, "lacks its optimizer.pt or trainer_state.json, so that training cannot go on from it",
        advice: "remove the checkpoint: then the one before it is gone on from", file: checkpoint.adapter.config.name)
    }
    let names = modules.flatMap { module in
      zip(module.parameters, [[module.rank, module.inputs], [module.outputs, module.rank]]).map {
        (name: $0, shape: $1)
      }
    }
    guard Set(modules.map(\.name)) == Set(adapter.modules.keys) else {
      throw Failure(.badData, "adapts other layers than the training", file: checkpoint.adapter.weights.name)
    }
    factors = try locating(file: checkpoint.adapter.weights.name) { try adapter.factors(of: modules) }
    let moments = try locating(file: file.name) {
      try OptimizerState(file.bytes(), limits: file.limits).moments(for: names)
    }
    let all = names.compactMap { moments[$0.name] }
    guard all.allSatisfy({ $0.step == checkpoint.step }) else {
      throw Failure(.badData, "is not of step \(checkpoint.step)", file: file.name)
    }
    optimizer = AdamW(
      settings, step: checkpoint.step, first: try all.map { try $0.first.floats() },
      second: try all.map { try $0.second.floats() })
    self.log = try locating(file: log.name) {
      let value = try log.bytes().withUnsafeBytes { try JSONReader(log.limits).read($0) }
      guard let history = value.objectValue?["log_history"]?.arrayValue, history.count == checkpoint.step else {
        throw Failure(.badData, "has no entry for each of its \(checkpoint.step) steps in 'log_history'")
      }
      return history
    }
  }
}
