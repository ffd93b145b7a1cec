import Diagnostics
import Foundation
import JSON
import Models
import Tensors
import TestSupport
import Testing

@testable import Training

/// New adapters, and those that are gone on from.
@Suite struct StartingAdapterTests {
  private let model = try! LanguageModel(at: fixture("training/llama/base"))

  private func settings(_ change: (inout TrainingSettings) -> Void) -> TrainingSettings {
    var settings = llama(in: URL(filePath: "/nowhere"))
    settings.initial = nil
    change(&settings)
    return settings
  }

  @Test func aNewOneIsAsPEFTMakesIt() throws {
    let start = try StartingAdapter(settings { ($0.rank, $0.alpha) = (6, 12) }, model)
    #expect(start.adapter.modules.count == 4 && start.dropout == 0)
    var all: [Float] = []
    for module in start.adapter.modules.values {
      #expect(module.rank == 6 && module.scaling == 2)
      #expect(module.name.hasSuffix("q_proj") || module.name.hasSuffix("v_proj"))
      #expect(try module.b.floats().allSatisfy { $0 == 0 })
      all += try module.a.floats()
    }
    // Even on ±1/√32: the bounds are reached nearly and never passed, mean and variance are those of the distribution.
    let bound = 1 / Float(32).squareRoot()
    #expect(
      all.allSatisfy { abs($0) <= bound } && all.contains { $0 > 0.98 * bound } && all.contains { $0 < -0.98 * bound })
    let mean = all.reduce(0, +) / Float(all.count)
    let variance = all.reduce(0) { $0 + $1 * $1 } / Float(all.count)
    #expect(abs(mean) < 0.1 * bound && abs(variance / (bound * bound / 3) - 1) < 0.1)
    #expect(Set(all).count > all.count - 5)
  }

  @Test func seedsMakeOthersAndTheSameSeedTheSame() throws {
    func factors(_ seed: UInt64) throws -> [Float] {
      let start = try StartingAdapter(settings { $0.seed = seed }, model)
      return try #require(start.adapter.modules["model.layers.1.self_attn.v_proj"]).a.floats()
    }
    #expect(try factors(1) == factors(1))
    #expect(try factors(1) != factors(2))
  }

  @Test func targetsAreNamesOrEndings() throws {
    func layers(_ targets: [String]?) throws -> Int {
      try StartingAdapter(settings { $0.targets = targets }, model).adapter.modules.count
    }
    #expect(try layers(["all-linear"]) == 14)
    #expect(try layers(["down_proj"]) == 2)
    #expect(try layers(["model.layers.1.mlp.up_proj", "self_attn.k_proj"]) == 3)
    for (targets, words) in [
      (["proj"], "'proj'"), (["lm_head"], "'lm_head'"), (["q_proj", "q_proj"], "twice"), ([""], "''"), ([], "none"),
    ] {
      expectFailure(.usage, words) { try layers(targets) }
    }
  }

  @Test func rsLoRAScalesByTheRoot() throws {
    let start = try StartingAdapter(settings { ($0.rank, $0.alpha, $0.usesRsLoRA) = (4, 6, true) }, model)
    #expect(start.adapter.modules.values.allSatisfy { $0.scaling == 3 })
    #expect(start.config["use_rslora"] == true)
  }

  @Test func anAdapterIsGoneOnFromWithItsConfig() throws {
    var settings = llama(in: URL(filePath: "/nowhere"))
    settings.dropout = 0.25
    let start = try StartingAdapter(settings, model)
    #expect(start.config["lora_dropout"]?.doubleValue == 0.25 && start.config["r"] == 4)
    let tensors = try SafetensorsFile(Bytes(mapping: fixture("training/llama/start/adapter_model.safetensors"))).tensors
    for module in start.adapter.modules.values {
      let due = try #require(tensors["base_model.model.\(module.name).lora_A.weight"])
      #expect(try module.a.floats() == due.floats())
    }
  }

  @Test func anAdapterOfAnotherModelIsRefused() throws {
    var settings = llama(in: URL(filePath: "/nowhere"))
    settings.initial = fixture("capture/client/checkpoint-3")
    let failure = try failure { try StartingAdapter(settings, model) }
    #expect(failure.kind == .badData && failure.file?.hasSuffix("adapter_model.safetensors") == true, "\(failure)")
    settings.initial = fixture("training/nowhere")
    expectFailure(.missingInput, "cannot be opened") { try StartingAdapter(settings, model) }
  }
}
