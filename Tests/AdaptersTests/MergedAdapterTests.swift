import JSON
import Tensors
import Testing

@testable import Adapters

@Suite struct MergedAdapterTests {
  func module(_ name: String, rank: Int = 2, kind: LoRAModule.Kind = .linear) -> MergedAdapter.Module {
    .init(
      name: name, kind: kind, a: Tensor([Float](repeating: 1, count: rank * 5), shape: [rank, 5]),
      b: Tensor([Float](repeating: 2, count: 3 * rank), shape: [3, rank]))
  }

  func merged(
    _ modules: [MergedAdapter.Module], _ inputs: [JSONObject] = [[:]], replacing absolutes: [String] = [],
    base: [String] = [], style: RankLayout.Style? = nil
  ) throws -> MergedAdapter {
    MergedAdapter(
      modules: modules, absolutes: absolutes.map { ($0, Tensor([1], shape: [1])) },
      inputs: try inputs.map { try AdapterConfig(config($0)) }, baseModel: "base", base: base, style: style)
  }

  /// What PEFT would read otherwise than it was meant.
  func misreading(_ merged: MergedAdapter) throws -> String? {
    try PEFTReading(AdapterConfig(Bytes(Array(merged.configText.utf8))), merged.tensors).misreading
  }

  /// The result as a stranger would read it.
  func reread(_ merged: MergedAdapter) throws -> Adapter {
    try Adapter(
      config: Bytes(Array(merged.configText.utf8)), configFile: "c", weights: Bytes(safetensors(merged.tensors)),
      weightsFile: "w")
  }

  @Test func everyModuleComesBackWithScalingOne() throws {
    let modules = [
      module("layers.0.q", rank: 2), module("layers.1.q", rank: 2), module("layers.2.q", rank: 7),
      module("x.layers.2.q", rank: 3), module("odd+[name].q", rank: 5), module("embed", rank: 4, kind: .embedding),
    ]
    let adapter = try reread(merged(modules))
    #expect(adapter.notes.isEmpty)
    #expect(adapter.modules.count == modules.count)
    for module in modules {
      let read = try #require(adapter.modules[module.name])
      #expect(read.rank == module.rank)
      #expect(read.scaling == 1)
      #expect(read.kind == module.kind)
    }
  }

  @Test func theCommonestRankIsTheDefault() throws {
    let config = try merged([module("a.q", rank: 3), module("b.q", rank: 3), module("c.q", rank: 8)]).config
    #expect(config["r"] == 3)
    #expect(config["lora_alpha"] == 3)
    #expect(config["rank_pattern"] == [#"^c\.q"#: 8])
    #expect(config["alpha_pattern"] == [#"^c\.q"#: 8])
    #expect(try merged([module("a", rank: 8), module("b", rank: 3)]).config["r"] == 3)
  }

  @Test func nothingOfATrainingSurvives() throws {
    let settings: JSONObject = [
      "use_rslora": true, "lora_dropout": 0.1, "init_lora_weights": "gaussian", "bias": "all", "lora_bias": true,
      "layers_to_transform": [1], "exclude_modules": ["x"], "peft_version": "0.1", "rank_pattern": ["q": 2],
      "inference_mode": false,
    ]
    let config = try merged([module("q")], [settings]).config
    #expect(config["use_rslora"] == false)
    #expect(config["use_dora"] == false)
    #expect(config["lora_dropout"] == 0.0)
    #expect(config["init_lora_weights"] == true)
    #expect(config["bias"] == "none")
    #expect(config["lora_bias"] == false)
    #expect(config["layers_to_transform"] == .null)
    #expect(config["rank_pattern"] == [:])
    #expect(config["inference_mode"] == true)
    #expect(config["exclude_modules"] == nil)
    #expect(config["peft_version"] == nil)
  }

  @Test func unknownSettingsStayWhereAllInputsAgree() throws {
    let config = try merged(
      [module("q")], [["novel": [1, 2], "other": 1, "lone": true], ["novel": [1, 2], "other": 2]]
    ).config
    #expect(config["novel"] == [1, 2])
    #expect(config["other"] == nil)
    #expect(config["lone"] == nil)
  }

  @Test func revisionAndTaskStayWhereAllInputsAgree() throws {
    let same: JSONObject = ["revision": "main", "task_type": "CAUSAL_LM"]
    #expect(try merged([module("q")], [same, same]).config["revision"] == "main")
    #expect(try merged([module("q")], [same, same]).config["task_type"] == "CAUSAL_LM")
    #expect(try merged([module("q")], [same, ["revision": "v2"]]).config["revision"] == .null)
    #expect(try merged([module("q")], [same, [:]]).config["task_type"] == .null)
    #expect(try merged([module("q")], []).config["task_type"] == .null)
  }

  @Test func targetsAreTheUnionOfTheInputs() throws {
    let modules = [module("layers.0.q_proj"), module("layers.0.v_proj")]
    func targets(_ inputs: JSONObject...) throws -> JSONValue? { try merged(modules, inputs).config["target_modules"] }
    #expect(try targets(["target_modules": ["v_proj"]], ["target_modules": ["q_proj"]]) == ["q_proj", "v_proj"])
    let names: JSONValue = ["layers.0.q_proj", "layers.0.v_proj"]
    #expect(try targets(["target_modules": ["q_proj"]]) == names)
    #expect(try targets(["target_modules": ["q_proj", "proj"]]) == names)
    #expect(try targets(["target_modules": "all-linear"]) == names)
    #expect(try targets(["target_modules": .null]) == names)
    #expect(try targets(["target_modules": ["q_proj", "v_proj"]], ["target_modules": ".*"]) == names)
    #expect(try targets(["target_modules": ["q_proj", "v_proj"], "layers_to_transform": [0]]) == names)
    #expect(try targets(["target_modules": ["q_proj", "v_proj"], "exclude_modules": ["k"]]) == names)
  }

  @Test func savedModulesAreNamedWhereTheyAreWritten() throws {
    func saved(_ absolutes: [String], _ inputs: JSONObject..., base: [String] = []) throws -> JSONValue? {
      let merged = try merged([module("model.layers.0.q")], inputs, replacing: absolutes, base: base)
      #expect(try misreading(merged) == nil)
      return merged.config["modules_to_save"]
    }
    #expect(try saved(["lm_head.weight"], ["modules_to_save": ["lm_head", "embed"]]) == ["lm_head"])
    #expect(try saved(["a.weight", "b.weight"], ["modules_to_save": ["b"]], ["modules_to_save": ["a"]]) == ["b", "a"])
    #expect(try saved([], ["modules_to_save": ["lm_head"]]) == .null)
    // By paths with points, in the order of the inputs; what one entry finds twice is listed once.
    let dotted: JSONObject = ["modules_to_save": ["model.norm", "mlp.up"]]
    let tensors = ["model.norm.weight", "model.layers.0.mlp.up.weight", "model.layers.1.mlp.up.weight"]
    #expect(try saved(tensors, dotted, dotted) == ["model.norm", "mlp.up"])
    // An entry that PEFT would also match with a layer that is not in the file is not kept.
    #expect(try saved([tensors[0], tensors[1]], dotted, base: tensors) == ["model.norm", "model.layers.0.mlp.up"])
    #expect(
      try saved(["model.norm.weight"], ["modules_to_save": ["norm"]], base: ["model.layers.0.input_norm.weight"])
        == ["model.norm"])
    // Nor one that PEFT would match with an adapted layer.
    #expect(try saved(["model.x.weight"], ["modules_to_save": ["x", "layers.0"]]) == ["x"])
    #expect(try saved(["other.q.weight"], ["modules_to_save": ["q"]]) == ["other.q"])
    // All of a module with parts.
    let head = ["classifier.dense.weight", "classifier.dense.bias", "classifier.out.weight"]
    #expect(try saved(head, ["modules_to_save": ["classifier"]]) == ["classifier"])
    #expect(try saved(head, [:]) == ["classifier.dense", "classifier.out"])
    // What no input lists is derived, but for embeddings, which PEFT saves unlisted when a vocabulary was resized.
    #expect(try saved(["score.weight", "lm_head.weight"], [:]) == ["score"])
    #expect(try saved(["lm_head.weight"], [:]) == .null)
  }

  @Test func biasesAreSaidAsTheyAreWritten() throws {
    func bias(_ absolutes: [String], _ inputs: JSONObject...) throws -> JSONValue? {
      let merged = try merged([module("model.q")], inputs, replacing: absolutes)
      #expect(try misreading(merged) == nil)
      return merged.config["bias"]
    }
    #expect(try bias([], ["bias": "all"]) == "none")
    #expect(try bias(["model.q.base_layer.bias"], ["bias": "lora_only"]) == "lora_only")
    #expect(try bias(["model.q.base_layer.bias"], ["bias": "all"], ["bias": "all"]) == "all")
    #expect(try bias(["model.q.base_layer.bias"], ["bias": "none"]) == "lora_only")
    #expect(try bias(["model.q.bias", "model.k.bias"], ["bias": "lora_only"]) == "all")
    // That of a replaced module belongs to it.
    #expect(try bias(["score.weight", "score.bias"], ["modules_to_save": ["score"]]) == "none")
    #expect(try bias(["score.weight", "score.bias"], [:]) == "none")
  }

  @Test func tensorsOfAdaptedLayersLieInTheirBaseLayer() throws {
    let merged = try merged(
      [module("model.q"), module("x.attn"), module("x.attn.base_layer.out_proj")],
      replacing: ["model.q.bias", "model.k.bias", "x.attn.out_proj.bias"])
    #expect(
      merged.absolutes.map(\.name) == [
        "model.q.base_layer.bias", "model.k.bias", "x.attn.base_layer.out_proj.base_layer.bias",
      ])
    #expect(try misreading(merged) == nil)
  }

  @Test func endingsDoNotNameWhatIsReplaced() throws {
    let input: JSONObject = ["target_modules": ["q", "lm_head"], "modules_to_save": ["lm_head"]]
    #expect(try merged([module("a.q")], [input], base: ["lm_head.weight"]).config["target_modules"] == ["a.q"])
    let kept = try merged([module("a.q")], [input], replacing: ["lm_head.weight"])
    #expect(kept.config["target_modules"] == ["lm_head", "q"])
    #expect(try misreading(kept) == nil)
  }

  @Test func autoMappingStaysWhereAllInputsAgree() throws {
    let mapping: JSONObject = ["auto_mapping": ["base_model_class": "A", "parent_library": "b"]]
    #expect(try merged([module("q")], [mapping, mapping]).config["auto_mapping"] == mapping["auto_mapping"])
    let turned: JSONObject = ["auto_mapping": ["parent_library": "b", "base_model_class": "A"]]
    let result = try merged([module("q")], [mapping, turned])
    #expect(result.config["auto_mapping"] == mapping["auto_mapping"])
    #expect(result.disputedSettings.isEmpty)
    let disputed = try merged([module("q")], [mapping, [:]])
    #expect(disputed.config["auto_mapping"] == .null)
    #expect(disputed.disputedSettings == ["auto_mapping"])
    #expect(try merged([module("q")], [["task_type": "A"], ["task_type": "B"]]).disputedSettings == ["task_type"])
  }

  /// Settings that Clues does not know, too.
  @Test func theOrderOfMembersIsNoDifference() throws {
    let inputs: [JSONObject] = [["new": ["a": 1, "b": [0.0]]], ["new": ["b": [0], "a": 1.0]]]
    #expect(try merged([module("q")], inputs).config["new"] == ["a": 1, "b": [0.0]])
    #expect(try merged([module("q")], [["new": ["a": 1]], ["new": ["a": 2]]]).config["new"] == nil)
  }

  /// The attention that PyTorch has as one module has a bias by another name, and it alone is no whole module to replace.
  @Test func theBiasOfAttentionIsABias() throws {
    let loose = try merged([module("conv")], replacing: ["attn.in_proj_bias", "attn.out_proj.bias"])
    #expect(loose.config["modules_to_save"] == .null)
    #expect(loose.config["bias"] == "all")
    #expect(try misreading(loose) == nil)
    let adapted = try merged([module("attn")], [["bias": "lora_only"]], replacing: ["attn.in_proj_bias"])
    #expect(adapted.absolutes.map(\.name) == ["attn.base_layer.in_proj_bias"])
    #expect(adapted.config["bias"] == "lora_only")
    #expect(try misreading(adapted) == nil)
  }

  @Test(arguments: [("SEQ_CLS", "score"), ("TOKEN_CLS", "classifier"), ("QUESTION_ANS", "qa_outputs")])
  func aTaskIsNamedWithItsHeadOnly(_ task: String, _ head: String) throws {
    let input: JSONObject = ["task_type": .string(task), "modules_to_save": ["classifier", "score", "qa_outputs"]]
    let whole = try merged([module("q")], [input], replacing: ["\(head).weight"])
    #expect(whole.config["task_type"] == .string(task) && whole.droppedTask == nil)
    #expect(whole.config["modules_to_save"] == [.string(head)])
    #expect(try misreading(whole) == nil)
    let headless = try merged([module("q")], [input], base: ["\(head).weight"])
    #expect(headless.config["task_type"] == .null && headless.droppedTask == task)
    #expect(try misreading(headless) == nil)
  }

  @Test func modulesThatPEFTTakesTogetherHaveOneRank() throws {
    let experts = ["l.0.experts.0.w1", "l.0.experts.1.w1", "l.1.experts.0.w2"]
    let merged = try merged(
      [
        module(experts[0], rank: 2), module(experts[1], rank: 5), module(experts[2], rank: 3),
        module("l.0.gate", rank: 1),
        module("attn", rank: 2), module("attn.base_layer.out_proj", rank: 4), module("q", rank: 9),
        module("k", rank: 9),
      ], style: .exact)
    #expect(merged.config["r"] == 5)
    #expect(merged.config["rank_pattern"] == ["^attn": 4, "^k": 9, "^q": 9])
    #expect(merged.modules.map(\.rank) == [4, 4, 9, 5, 5, 5, 5, 9])
    #expect(try misreading(merged) == nil)
    let adapter = try reread(merged)
    #expect(adapter.modules.values.allSatisfy { $0.scaling == 1 })
    #expect(merged.config["target_modules"]?.arrayValue?.contains("attn.base_layer.out_proj") == false)
  }

  @Test func namesOfTensorsArePEFTs() throws {
    let merged = MergedAdapter(
      modules: [module("q"), module("e", kind: .embedding)], absolutes: [("lm_head.weight", Tensor([1], shape: [1]))],
      inputs: [try AdapterConfig(config())], baseModel: nil)
    #expect(
      Set(merged.tensors.keys) == [
        "base_model.model.q.lora_A.weight", "base_model.model.q.lora_B.weight", "base_model.model.e.lora_embedding_A",
        "base_model.model.e.lora_embedding_B", "base_model.model.lm_head.weight",
      ])
    #expect(merged.config["base_model_name_or_path"] == .null)
  }

  @Test func theTextIsSortedJSONAsPEFTWritesIt() throws {
    let text = try merged([module("q")]).configText
    let keys = try #require(try JSONReader().read(text).objectValue?.keys)
    #expect(keys == keys.sorted())
    #expect(text.hasPrefix("{\n  \"alpha_pattern\": {},\n"))
    #expect(text.hasSuffix("}\n"))
  }

  @Test func fanInFanOutIsKept() throws {
    #expect(try merged([module("q")], [["fan_in_fan_out": true]]).config["fan_in_fan_out"] == true)
    #expect(try merged([module("q")], [[:]]).config["fan_in_fan_out"] == false)
  }
}
