import Diagnostics
import Foundation
import Recipes
import Tensors
import TestSupport
import Testing

@testable import Runs

/// Every way in which evidence can be broken has its own error, or its own reason for an unscored sample.
@Suite struct BrokenEvidenceTests {
  /// Two clients of the fixture, the first of which `change` may spoil.
  private func score(
    _ settings: [(path: String, value: String)] = [], change: (URL) throws -> Void
  ) throws -> Bench.Scored {
    try withTemporaryFolder { folder in
      for client in ["c0", "c1"] {
        try FileManager.default.copyItem(atPath: fixture("tiny/\(client)"), toPath: folder.path + "/" + client)
      }
      try change(folder.appending(path: "c0"))
      return try ReferenceScoreTests.score(["c0", "c1"].map { folder.path + "/" + $0 }, settings)
    }
  }

  private func failure(
    _ settings: [(path: String, value: String)] = [], change: (URL) throws -> Void
  ) -> Failure? {
    do {
      _ = try score(settings, change: change)
      return nil
    } catch {
      return error as? Failure
    }
  }

  private func rewrite(_ file: URL, _ change: (inout [String: Tensor]) throws -> Void) throws {
    let read = try SafetensorsFile(Bytes(Array(Data(contentsOf: file))))
    var tensors = read.tensors
    try change(&tensors)
    try Data(safetensors(tensors)).write(to: file)
  }

  @Test func `a missing optimizer is named, with scorers that would work`() {
    let failure = failure { try FileManager.default.removeItem(at: $0.appending(path: "checkpoint-4/optimizer.pt")) }
    #expect(failure?.kind == .badData)
    #expect(failure?.message.contains("client 'c0' lacks optimizer.pt at checkpoint 4") == true, "\(failure as Any)")
    #expect(failure?.advice?.contains("tracin") == true)
    #expect(failure?.advice?.contains("perplexity") == false)
  }

  @Test func `gradients that are there at one checkpoint only are named`() {
    let failure = failure { try FileManager.default.removeItem(at: $0.appending(path: "checkpoint-8/gradients")) }
    #expect(failure?.message.contains("gradients/train.safetensors") == true, "\(failure as Any)")
    #expect(failure?.message.contains("at checkpoint 8") == true)
  }

  @Test func `a ledger scorer without a ledger says what is missing`() {
    let failure = failure([("score.scorer", "perplexity"), ("score.parameters", "{}")]) { _ in }
    #expect(failure?.message.contains("'base_loss' in ledger.jsonl") == true, "\(failure as Any)")
  }

  @Test func `a tensor of another shape is named`() {
    let name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    let failure = failure { folder in
      try rewrite(folder.appending(path: "checkpoint-4/gradients/train.safetensors")) {
        $0[name] = Tensor([Float](repeating: 0, count: 16 * 4 * 16), shape: [16, 4, 16])
      }
    }
    #expect(failure?.tensor == name)
    #expect(failure?.message == "has shape [16, 4, 16] instead of [samples] + [4, 32]")
    #expect(failure?.file?.hasSuffix("checkpoint-4/gradients/train.safetensors") == true)
  }

  @Test func `a tensor too many is named`() {
    let failure = failure { folder in
      try rewrite(folder.appending(path: "checkpoint-4/gradients/train.safetensors")) {
        $0["other"] = Tensor([0], shape: [1])
      }
    }
    #expect(failure?.tensor == "other")
    #expect(failure?.message == "belongs to no LoRA parameter of the adapter")
  }

  @Test func `gradients may be named as the adapter's tensors are, with what wrappers left`() throws {
    func wrapped(_ names: [String]) -> [(old: String, new: String)] {
      names.map { ($0, $0.replacing("base_model.model.", with: "_forward_module.base_model.model.module.")) }
    }
    let scored = try score { folder in
      try rewrite(folder.appending(path: "checkpoint-4/gradients/train.safetensors")) { tensors in
        for (old, new) in wrapped(Array(tensors.keys)) { tensors[new] = tensors.removeValue(forKey: old) }
      }
    }
    #expect(try scored.table.rows.map(\.score) == score { _ in }.table.rows.map(\.score))
    let failure = failure { folder in
      try rewrite(folder.appending(path: "checkpoint-4/gradients/train.safetensors")) { tensors in
        for (old, new) in wrapped(Array(tensors.keys)) { tensors[new] = tensors[old] }
      }
    }
    #expect(failure?.message.hasPrefix("is the same parameter as '") == true)
  }

  @Test func `a sample whose gradient is no number is unscored, and nobody else`() throws {
    let name = "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"
    let whole = try score { _ in }
    let broken = try score { folder in
      try rewrite(folder.appending(path: "checkpoint-8/gradients/train.safetensors")) { tensors in
        var values = try tensors[name]!.floats()
        values[3 * 16 * 4 + 5] = .nan
        tensors[name] = Tensor(values, shape: [16, 16, 4])
      }
    }
    for (index, pair) in zip(broken.table.rows, whole.table.rows).enumerated() {
      if index == 3 {
        #expect(pair.0.score == .unscored("its gradient is NaN or infinite in \(name)"))
        #expect(pair.0.checkpoints.map { $0.score == nil } == [false, true])
      } else {
        #expect(pair.0.score == pair.1.score)
      }
    }
  }

  @Test func `a target that is no number is an error`() {
    let name = "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"
    let failure = failure { folder in
      try rewrite(folder.appending(path: "checkpoint-8/gradients/validation.c0.safetensors")) { tensors in
        var values = try tensors[name]!.floats()
        values[0] = .infinity
        tensors[name] = Tensor(values, shape: tensors[name]!.shape)
      }
    }
    #expect(failure?.message == "contains NaN or infinite numbers")
    #expect(failure?.client == "c0")
  }

  @Test(arguments: [("tokens", 2.5 as Float), ("tokens", -1), ("loss", -0.5), ("loss", 1e30)])
  func `a number of a gradient file that cannot be is named`(_ column: String, _ value: Float) throws {
    let failure = failure([("score.scorer", "loss"), ("score.parameters", "{}")]) { folder in
      try rewrite(folder.appending(path: "checkpoint-4/gradients/train.safetensors")) { tensors in
        let count = tensors["loss"]!.count
        var values = [Float](repeating: 3, count: count)
        values[2] = value
        tensors[column] = Tensor(values, shape: [count])
      }
    }
    #expect(failure?.kind == .badData && failure?.client == "c0" && failure?.tensor == column)
    #expect(
      failure?.message.hasPrefix("has \(Double(value)) as '\(column)' of the train sample 'train-2', but ") == true,
      "\(failure as Any)")
    #expect(failure?.file?.hasSuffix("checkpoint-4/gradients/train.safetensors") == true)
  }

  /// Ten anchors of this size would set everybody's threshold.
  @Test(arguments: ["anchor", "validation.c0"], [2e6 as Float, 1e20, .greatestFiniteMagnitude])
  func `a gradient that nobody measured is refused`(_ file: String, _ value: Float) throws {
    let name = "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"
    let failure = failure { folder in
      try rewrite(folder.appending(path: "checkpoint-8/gradients/\(file).safetensors")) { tensors in
        var values = try tensors[name]!.floats()
        values[values.count / 2] = -value
        tensors[name] = Tensor(values, shape: tensors[name]!.shape)
      }
    }
    #expect(failure?.kind == .badData && failure?.client == "c0" && failure?.tensor == name, "\(failure as Any)")
    #expect(failure?.message.contains("the norm of a gradient is from 0 to 1000000") == true)
    #expect(failure?.message.contains("the anchor sample '") == (file == "anchor"))
    #expect(failure?.file?.hasSuffix("gradients/\(file).safetensors") == true)
  }

  @Test(arguments: [("exp_avg", Float.nan), ("exp_avg_sq", -1e-12)])
  func `moments that Adam cannot have made are refused`(_ moment: String, _ value: Float) {
    let failure = failure { folder in
      try writeOptimizer(
        to: folder.appending(path: "checkpoint-4"),
        moments: { first, second in if moment == "exp_avg" { first[1] = value } else { second[1] = value } })
    }
    #expect(failure?.kind == .badData && failure?.client == "c0", "\(failure as Any)")
    #expect(failure?.message == "has \(value) in its moment '\(moment)', which Adam cannot produce")
    #expect(failure?.file?.hasSuffix("checkpoint-4/optimizer.pt") == true)
    #expect(failure?.tensor?.contains("lora_") == true)
  }

  @Test func `a truncated optimizer is named`() {
    let failure = failure { folder in
      let file = folder.appending(path: "checkpoint-4/optimizer.pt")
      try Data(contentsOf: file).prefix(9000).write(to: file)
    }
    #expect(failure?.kind == .badData)
    #expect(failure?.file?.hasSuffix("checkpoint-4/optimizer.pt") == true, "\(failure as Any)")
  }

  /// An `optimizer.pt` for the adapter of a checkpoint.
  private func writeOptimizer(
    to checkpoint: URL, beta2: (Int) -> Double = { _ in 0.99 }, step: (Int) -> Float = { _ in 4 },
    moments: ((inout [Float], inout [Float]) -> Void)? = nil
  ) throws {
    let adapter = try SafetensorsFile(Bytes(mapping: checkpoint.appending(path: "adapter_model.safetensors").path))
    let shapes = adapter.names.map { adapter.tensors[$0]!.shape }
    let file = adamFile(
      shapes: shapes, names: adapter.names, groupSizes: [2, shapes.count - 2], beta2: beta2, step: step,
      moments: moments ?? { _, _ in })
    try Data(file.bytes()).write(to: checkpoint.appending(path: "optimizer.pt"))
  }

  @Test func `moments of groups with different betas are refused`() {
    let failure = failure {
      try writeOptimizer(to: $0.appending(path: "checkpoint-4"), beta2: { $0 == 0 ? 0.99 : 0.999 })
    }
    #expect(failure?.message == "has LoRA parameters in groups of different betas or eps", "\(failure as Any)")
    #expect(failure?.client == "c0")
    #expect(failure?.file?.hasSuffix("checkpoint-4/optimizer.pt") == true)
  }

  @Test func `a correction by a step that is not that of all parameters is refused`() throws {
    let corrected = [("score.parameters", "{bias_correction: true}")]
    let scored = try score(corrected) { try writeOptimizer(to: $0.appending(path: "checkpoint-4")) }
    #expect(scored.table.rows.allSatisfy { $0.checkpoints.allSatisfy { $0.score != nil } })
    let failure = failure(corrected) {
      try writeOptimizer(to: $0.appending(path: "checkpoint-4"), step: { $0 % 2 == 0 ? 4 : 3 })
    }
    #expect(failure?.message.contains("have taken different numbers") == true, "\(failure as Any)")
    #expect(failure?.client == "c0")
  }

  @Test func `a learning rate that cannot be is named`() {
    let failure = failure { folder in
      let text = #"{"global_step": 4, "log_history": [{"step": 1, "learning_rate": -1}]}"#
      try Data(text.utf8).write(to: folder.appending(path: "checkpoint-4/trainer_state.json"))
    }
    #expect(
      failure?.message == "entry 1 of its log_history has -1.0 as 'learning_rate', but a learning rate is from 0 to 10",
      "\(failure as Any)")
    #expect(failure?.client == "c0")
    #expect(failure?.file?.hasSuffix("checkpoint-4/trainer_state.json") == true)
  }

  @Test func `a log of another checkpoint is refused`() {
    let failure = failure { folder in
      let file = folder.appending(path: "checkpoint-4/trainer_state.json")
      try FileManager.default.removeItem(at: file)
      try FileManager.default.copyItem(at: folder.appending(path: "checkpoint-8/trainer_state.json"), to: file)
    }
    #expect(failure?.message == "is from step 8, but is in the checkpoint of step 4", "\(failure as Any)")
    #expect(failure?.client == "c0")
    #expect(failure?.file?.hasSuffix("checkpoint-4/trainer_state.json") == true)
  }

  @Test func `a log without learning rates is named`() {
    let failure = failure { folder in
      let checkpoint = folder.appending(path: "checkpoint-8")
      try Data(#"{"global_step": 8, "log_history": []}"#.utf8).write(
        to: checkpoint.appending(path: "trainer_state.json"))
    }
    #expect(
      failure?.message == "has the learning rate 0.0, the one after the last step, and none was logged",
      "\(failure as Any)")
    #expect(failure?.client == "c0")
    #expect(failure?.file?.hasSuffix("checkpoint-8/optimizer.pt") == true)
  }

  @Test func `no anchors make no threshold`() {
    let failure = failure([("select.threshold", "anchor-mean")]) { _ in }
    #expect(failure == nil)
    let without = self.failure([("select.threshold", "anchor-mean")]) { folder in
      for client in ["c0", "c1"] {
        for step in [4, 8] {
          let path =
            folder.deletingLastPathComponent().path + "/\(client)/checkpoint-\(step)/gradients/anchor.safetensors"
          try FileManager.default.removeItem(atPath: path)
        }
      }
    }
    #expect(without?.message.contains("anchor") == true, "\(without as Any)")
  }

  @Test func `one anchor makes no scale`() {
    let failure = failure([("select.threshold", "anchor-mean"), ("select.calibrate", "client")]) { folder in
      for step in [4, 8] {
        try rewrite(folder.appending(path: "checkpoint-\(step)/gradients/anchor.safetensors")) { tensors in
          for (name, tensor) in tensors {
            let width = tensor.count / tensor.shape[0]
            tensors[name] =
              tensor.dtype == .f32
              ? Tensor(try tensor.floats(in: 0..<width), shape: [1] + tensor.shape.dropFirst())
              : Tensor(dtype: tensor.dtype, shape: [1], bytes: tensor.bytes[0..<8])
          }
        }
      }
    }
    #expect(failure?.client == "c0")
    #expect(failure?.message == "its scores cannot be calibrated: it has 1 scored anchors", "\(failure as Any)")
  }

  @Test func `samples.jsonl must count as the gradients do`() {
    let failure = failure { folder in
      try "{\"id\": \"only\", \"split\": \"train\"}\n".write(
        to: folder.appending(path: "samples.jsonl"), atomically: true, encoding: .utf8)
    }
    #expect(failure?.message == "has 16 samples, but samples.jsonl has 1 in the split 'train'", "\(failure as Any)")
  }
}
