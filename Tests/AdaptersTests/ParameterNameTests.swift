import Tensors
import Testing

@testable import Adapters

@Suite struct ParameterNameTests {
  @Test(arguments: [
    "base_model.model.model.layers.0.q.lora_A.weight", "model.layers.0.q.lora_A.weight",
    "base_model.model.model.layers.0.q.lora_A.alice.weight",
    // torch.compile, FSDP, activation checkpointing, FairScale, Lightning, Opacus: anywhere.
    "_orig_mod.base_model.model.model.layers.0.q.lora_A.weight",
    "base_model.model.model.layers.0._orig_mod.q.lora_A.weight",
    "base_model._orig_mod.model.model.layers.0.q.lora_A.weight",
    "base_model.model.model.layers.0._checkpoint_wrapped_module.q.lora_A.weight",
    "base_model.model.model.layers.0.q.lora_A.default._fsdp_wrapped_module._checkpoint_wrapped_module.weight",
    "_fsdp_wrapped_module._fpw_module.base_model.model.model.layers.0.q.lora_A.weight",
    "_forward_module.module.base_model.model.model.layers.0.q.lora_A.default.weight",
    "_module.base_model.model._module.model.layers.0.q.lora_A.weight",
    // DataParallel, DistributedDataParallel, DeepSpeed: before the model, outside of PEFT's and inside of it.
    "module.base_model.model.model.layers.0.q.lora_A.weight", "module.module.model.layers.0.q.lora_A.weight",
    "base_model.model.module.model.layers.0.q.lora_A.weight",
    "base_model.module.model.model.layers.0.q.lora_A.weight",
    "base_model.model._orig_mod.module.module.model.layers.0.q.lora_A.weight",
    // Around the factor itself.
    "base_model.model.model.layers.0.q.lora_A.default.module.weight",
    "base_model.model.model.layers.0.q.lora_A.module.default.weight",
    "base_model.model.model.layers.0.q.lora_A.module.weight",
    // A model of PEFT's in another one, or in a trainer's.
    "base_model.model.base_model.model.model.layers.0.q.lora_A.weight",
    "base_model.model.module.base_model.model.model.layers.0.q.lora_A.weight",
    "model.base_model.model.model.layers.0.q.lora_A.weight",
    "student.pretrained_model.base_model.model.model.layers.0.q.lora_A.weight",
  ]) func everySpellingOfAParameter(_ name: String) {
    #expect(ParameterName(name).text == "model.layers.0.q.lora_A.weight")
  }

  @Test(arguments: [
    ("base_model.model.lm_head.weight", "lm_head.weight"), ("lm_head.weight", "lm_head.weight"),
    ("base_model.model.lm_head.modules_to_save.default.weight", "lm_head.weight"),
    ("base_model.model.lm_head.modules_to_save.alice.weight", "lm_head.weight"),
    ("base_model.model.lm_head.modules_to_save.weight", "lm_head.weight"),
    ("module.lm_head._orig_mod.modules_to_save.default._fsdp_wrapped_module.weight", "lm_head.weight"),
    ("base_model.model.lm_head.base_layer.weight", "lm_head.weight"),
    ("base_model.model.module.lm_head.weight", "lm_head.weight"),
    ("base_model.model.classifier.modules_to_save.default.dense.bias", "classifier.dense.bias"),
    ("base_model.model.model.layers.0.q.base_layer.bias", "model.layers.0.q.bias"),
    ("base_model.model.attn.base_layer.out_proj.base_layer.bias", "attn.out_proj.bias"),
  ]) func everySpellingOfAValue(_ name: String, _ text: String) {
    #expect(ParameterName(name).text == text)
    #expect(!ParameterName(name).isOriginal)
  }

  @Test func theBaseModelsCopyIsAnotherParameter() {
    let original = ParameterName("base_model.model.lm_head.original_module.weight")
    #expect(original.text == "lm_head.weight" && original.isOriginal)
    #expect(original != ParameterName("base_model.model.lm_head.weight"))
  }

  @Test(arguments: [
    // A layer may be called as what wrappers leave, where no wrapper leaves it.
    "model.layers.0.module.q.lora_A.weight", "module.lora_A.weight", "model.base_model.q.lora_A.weight",
    "encoder.modules_to_save", "model.base_model.model.lora_A.weight", "module.weight",
    // A factor's layer may lie in PEFT's (MultiheadAttention).
    "attn.base_layer.out_proj.lora_A.weight", "model.weight.lora_B.bias", "e.lora_embedding_A",
  ]) func layersKeepTheirNames(_ name: String) {
    let parameter = ParameterName("base_model.model." + name)
    #expect(parameter.text == (name == "model.base_model.model.lora_A.weight" ? "lora_A.weight" : name))
    #expect(ParameterName(tensorName(of: parameter.text)) == parameter)
  }

  @Test func whatWrappersLeftIsKnown() {
    #expect(ParameterName("base_model.model.q.lora_A.default.weight").leftovers.isEmpty)
    #expect(ParameterName("q.lora_A.weight").leftovers.isEmpty)
    #expect(ParameterName("lm_head.modules_to_save.default.weight").leftovers.isEmpty)
    #expect(
      ParameterName("_orig_mod.base_model.model.module.q.lora_A.weight").leftovers == ["_orig_mod", "module"])
    #expect(ParameterName("base_model.model.q.lora_A.default.module.weight").leftovers == ["module"])
    #expect(
      ParameterName("base_model.model.base_model.model.q.lora_A.weight").leftovers
        == ["base_model.model.base_model.model"])
  }

  /// A name in the one form stays as it is, whatever it was made of; also under PEFT's prefix.
  @Test func bringingNamesToOneFormTwiceIsBringingThemOnce() {
    let pieces = [
      "base_model", "model", "module", "_orig_mod", "_module", "_fsdp_wrapped_module", "modules_to_save", "default",
      "original_module", "base_layer", "lora_A", "lora_B", "lora_embedding_A", "lora_magnitude_vector", "weight",
      "bias",
      "layers", "0", "q", "",
    ]
    let random = RandomStream(seed: 12, "names")
    var wrong: [String] = []
    for round in 0..<20_000 {
      let words = random.block(UInt64(round))
      var bits = words.0
      let name = (0..<Int(1 + words.1 % 9)).map { _ in
        defer { bits /= UInt64(pieces.count) }
        return pieces[Int(bits % UInt64(pieces.count))]
      }.joined(separator: ".")
      let once = ParameterName(name)
      let again = ParameterName(once.text)
      let inFile = ParameterName(tensorName(of: once.text))
      if again.text != once.text || !again.leftovers.isEmpty || inFile.text != once.text { wrong.append(name) }
    }
    #expect(wrong.isEmpty)
  }

  @Test func longNamesTakeTheirLengthInTime() {
    for piece in ["base_model.", "base_model.module.", "modules_to_save.", "module.", "base_layer.", "lora_A."] {
      let name = String(repeating: piece, count: 100_000) + "weight"
      #expect(ParameterName(name).text.utf8.count <= name.utf8.count)
    }
  }

  @Test func theBaseModelsLayersLieBelowThoseOfPEFT() {
    func fileName(_ parameter: String) -> String? {
      let modules = ["lm_head", "attn", "attn.base_layer.out_proj"]
      return PEFTRules.fileNames(ofReplaced: [parameter], besides: modules)[parameter].map(tensorName)
    }
    #expect(fileName("lm_head.weight") == "base_model.model.lm_head.base_layer.weight")
    #expect(fileName("lm_head.bias") == "base_model.model.lm_head.base_layer.bias")
    #expect(fileName("score.weight") == "base_model.model.score.weight")
    #expect(
      fileName("attn.out_proj.bias")
        == "base_model.model.attn.base_layer.out_proj.base_layer.bias")
    // Once is enough.
    #expect(
      fileName("lm_head.base_layer.weight") == "base_model.model.lm_head.base_layer.weight")
    #expect(fileName("weight") == "base_model.model.weight")
  }
}
