import Adapters
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Training

/// Trainings against those of the Trainer and PEFT on the same samples in the same order.
@Suite struct TrainerOracleTests {
  private static let models: [(name: String, settings: @Sendable (URL) -> TrainingSettings)] = [
    ("llama", { llama(in: $0) }), ("qwen2", { qwen2(in: $0) }),
  ]

  @Test(arguments: 0..<2) func tenStepsAreTheTrainers(_ place: Int) throws {
    let model = Self.models[place]
    try withTemporaryFolder { root in
      let settings = model.settings(root)
      let report = try Trainer(settings, observer: Listener()).run()
      #expect(report.steps == 10 && report.checkpoints == [10] && report.samples == 10)
      let folder = "\(settings.output)/checkpoint-10"
      let log = try #require(try read("\(folder)/trainer_state.json")["log_history"]?.arrayValue)
      let due = try #require(try read(fixture("training/\(model.name)/log.json")).arrayValue)
      #expect(log.count == 10)
      for (found, expected) in zip(log, due) {
        for key in ["loss", "grad_norm"] {
          let (a, b) = (try #require(found[key]?.doubleValue), try #require(expected[key]?.doubleValue))
          #expect(abs(a / b - 1) < 1e-4, "\(key) \(a) \(b)")
        }
        for key in ["learning_rate", "epoch", "step"] {
          let (a, b) = (try #require(found[key]?.doubleValue), try #require(expected[key]?.doubleValue))
          #expect(abs(a - b) < 1e-12, "\(key) \(a) \(b)")
        }
      }
      let tensors = try SafetensorsFile(Bytes(mapping: "\(folder)/adapter_model.safetensors")).tensors
      let expected = try SafetensorsFile(Bytes(mapping: fixture("training/\(model.name)/expected.safetensors"))).tensors
      #expect(Set(tensors.keys) == Set(expected.keys))
      let start = try SafetensorsFile(
        Bytes(mapping: fixture("training/\(model.name)/start/adapter_model.safetensors"))
      ).tensors
      for (name, tensor) in expected {
        let found = try #require(tensors[name]).floats()
        let (due, before) = (try tensor.floats(), try #require(start[name]).floats())
        #expect(distance(found, due) < 1e-4, "\(name)")
        #expect(distance(found, before) > 1e-3, "\(name) did not change")
      }
    }
  }

  /// The optimizer's state as torch has it, both read by the reader of optimizer states.
  @Test(arguments: 0..<2) func momentsAreTheTrainers(_ place: Int) throws {
    let model = Self.models[place]
    try withTemporaryFolder { root in
      let settings = model.settings(root)
      _ = try Trainer(settings, observer: Listener()).run()
      let folder = "\(settings.output)/checkpoint-10"
      let adapter = try Adapter(
        config: Bytes(mapping: "\(folder)/adapter_config.json"), configFile: "c",
        weights: Bytes(mapping: "\(folder)/adapter_model.safetensors"), weightsFile: "w")
      let names = adapter.modules.values.flatMap { $0.parameters.map { (name: $0.name, shape: $0.tensor.shape) } }
      let own = try OptimizerState(Bytes(mapping: "\(folder)/optimizer.pt"))
      let theirs = try OptimizerState(Bytes(mapping: fixture("training/\(model.name)/optimizer.pt")))
      #expect(own.groups == theirs.groups)
      let (found, due) = (try own.moments(for: names), try theirs.moments(for: names))
      for (name, moments) in due {
        let mine = try #require(found[name])
        #expect(mine.step == 10 && moments.step == 10)
        for (a, b) in [(mine.first, moments.first), (mine.second, moments.second)] {
          let (a, b) = (try a.floats(), try b.floats())
          #expect(distance(a, b) < 1e-3, "\(name)")
        }
      }
    }
  }
}
