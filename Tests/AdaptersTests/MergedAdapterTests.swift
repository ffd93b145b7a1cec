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

  func merged(_ modules: [MergedAdapter.Module], _ inputs: [JSONObject] = [[:]]) throws -> MergedAdapter {
    MergedAdapter(modules: modules, inputs: try inputs.map { try AdapterConfig(config($0)) }, baseModel: "base")
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
    func saved(_ absolutes: [String], _ inputs: JSONObject...) throws -> JSONValue? {
      MergedAdapter(
        modules: [module("q")], absolutes: absolutes.map { ($0, Tensor([1], shape: [1])) },
        inputs: try inputs.map { try AdapterConfig(config($0)) }, baseModel: nil
      ).config["modules_to_save"]
    }
    #expect(try saved(["lm_head.weight"], ["modules_to_save": ["lm_head", "embed"]]) == ["lm_head"])
    #expect(try saved(["a.weight", "b.weight"], ["modules_to_save": ["b"]], ["modules_to_save": ["a"]]) == ["a", "b"])
    #expect(try saved([], ["modules_to_save": ["lm_head"]]) == .null)
    #expect(try saved(["lm_head.weight"], [:]) == .null)
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
