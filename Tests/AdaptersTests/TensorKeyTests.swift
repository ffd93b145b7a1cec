import Diagnostics
import Tensors
import Testing

@testable import Adapters

@Suite struct TensorKeyTests {
  @Test(arguments: [
    "base_model.model.m.0.q.lora_A.weight", "m.0.q.lora_A.weight", "module.base_model.model.m.0.q.lora_A.weight",
    "module.module.base_model.model.m.0.q.lora_A.weight", "_orig_mod.base_model.model.m.0.q.lora_A.weight",
    "module._orig_mod.base_model.model.m.0.q.lora_A.weight",
    "base_model.model._orig_mod.m.0.q.lora_A.weight", "base_model.model.m.0._orig_mod.q.lora_A.weight",
    "_fsdp_wrapped_module.base_model.model.m._fsdp_wrapped_module.0.q.lora_A.weight",
    "base_model.model.m.0.q.lora_A.default.weight", "m.0.q.lora_A.my-adapter_2.weight",
    "base_model.model.m.0.q.lora_A.weight.weight", "base_model.model.m.0.q.lora_A.lora_A2.weight",
  ])
  func everySpellingOfAFactor(_ name: String) throws {
    if name.contains("lora_A2") {
      // An adapter of such a name cannot be told from a variant's tensor.
      #expect(throws: Failure.self) { try TensorKey(name) }
    } else {
      #expect(try TensorKey(name) == .factor(module: "m.0.q", part: .a, isEmbedding: false))
    }
  }

  @Test func everyPart() throws {
    let prefix = "base_model.model.m."
    #expect(try TensorKey(prefix + "lora_B.weight") == .factor(module: "m", part: .b, isEmbedding: false))
    #expect(try TensorKey(prefix + "lora_B.bias") == .factor(module: "m", part: .bias, isEmbedding: false))
    #expect(try TensorKey(prefix + "lora_B.default.bias") == .factor(module: "m", part: .bias, isEmbedding: false))
    #expect(try TensorKey(prefix + "lora_embedding_A") == .factor(module: "m", part: .a, isEmbedding: true))
    #expect(try TensorKey(prefix + "lora_embedding_B.default") == .factor(module: "m", part: .b, isEmbedding: true))
  }

  @Test func modulesMayHaveAnyName() throws {
    #expect(
      try TensorKey("base_model.model.weight.lora_A.weight") == .factor(module: "weight", part: .a, isEmbedding: false))
    #expect(
      try TensorKey("base_model.model.lora.default.lora_B.default.weight")
        == .factor(module: "lora.default", part: .b, isEmbedding: false))
    #expect(
      try TensorKey("base_model.model.attn.base_layer.out_proj.lora_A.weight")
        == .factor(module: "attn.base_layer.out_proj", part: .a, isEmbedding: false))
    #expect(
      try TensorKey("base_model.model.model.q.lora_A.weight")
        == .factor(module: "model.q", part: .a, isEmbedding: false))
    #expect(try TensorKey("mlp.up.weight") == .absolute(name: "mlp.up.weight"))
  }

  @Test func whatIsNoFactorReplacesABaseTensor() throws {
    #expect(try TensorKey("base_model.model.lm_head.weight") == .absolute(name: "lm_head.weight"))
    #expect(try TensorKey("module.base_model.model.q.base_layer.bias") == .absolute(name: "q.bias"))
    #expect(try TensorKey("base_model.model.q.original_module.weight") == .original(name: "q.weight"))
  }

  @Test(arguments: [
    ("base_model.model.lora_A.x.y.weight", "has a name that is not a LoRA parameter of PEFT"),
    ("base_model.model.m.lora_A", "has a name that is not a LoRA parameter of PEFT"),
    ("base_model.model.m.lora_A.bias", "has a name that is not a LoRA parameter of PEFT"),
    ("base_model.model.m.lora_A.data", "has a name that is not a LoRA parameter of PEFT"),
    ("base_model.model.m.lora_embedding_A.x.weight", "has a name that is not a LoRA parameter of PEFT"),
    ("lora_A.weight", "has a name that is not a LoRA parameter of PEFT"),
    ("lora_unet_down_blocks_0.lora_down.weight", "has a name as written by kohya's and diffusers' trainers"),
    ("lora_te_x.lora_up.weight", "has a name as written by kohya's and diffusers' trainers"),
    ("unet.q.lora.down.weight", "has a name as written by kohya's and diffusers' trainers"),
    ("unet.q.lora.up.weight", "has a name as written by kohya's and diffusers' trainers"),
    ("model_q_proj.alpha", "has a name as written by kohya's and diffusers' trainers"),
    ("lora_unet_x.alpha", "has a name as written by kohya's and diffusers' trainers"),
    ("m.lora_magnitude_vector", "is the magnitude of a DoRA adapter, whose delta depends on the base weights"),
    (
      "m.lora_magnitude_vector.default.weight",
      "is the magnitude of a DoRA adapter, whose delta depends on the base weights"
    ),
    ("m.lora_diag", "belongs to a KaSA or AdaLoRA adapter, whose delta is not s·B·A"),
    ("m.lora_E", "belongs to a KaSA or AdaLoRA adapter, whose delta is not s·B·A"),
    ("m.token_adapter.trainable_tokens_delta", "holds trained token rows, which a merge cannot keep"),
    ("m.lora_arrow.weight", "belongs to a variant of LoRA that Clues does not know ('lora_arrow')"),
    ("m.lora_velora_x", "belongs to a variant of LoRA that Clues does not know ('lora_velora_x')"),
    (
      "m.lora_monteclora_sampler.std",
      "belongs to a variant of LoRA that Clues does not know ('lora_monteclora_sampler')"
    ),
  ])
  func refusesOtherFormatsByName(_ name: String, _ message: String) {
    let failure = #expect(throws: Failure.self) { try TensorKey(name) }
    #expect(failure?.message == message)
    #expect(failure?.tensor == name)
    #expect(failure?.advice != nil)
  }
}
