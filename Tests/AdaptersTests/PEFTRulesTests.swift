import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Adapters

/// The rules give what PEFT's own functions gave; `Fixtures/peft-rules/make.py` asked them.
@Suite struct PEFTRulesTests {
  private func cases() throws -> [JSONObject] {
    let text = try String(contentsOfFile: fixture("peft-rules/cases.json"), encoding: .utf8)
    return try #require(JSONReader().read(text).arrayValue).map { try #require($0.objectValue) }
  }

  private func texts(_ value: JSONValue?) -> [String] { value?.arrayValue?.compactMap(\.stringValue) ?? [] }

  @Test func modulesAreFoundAsPEFTFindsThem() throws {
    let cases = try cases()
    #expect(cases.count == 200)
    for each in cases {
      let config = try AdapterConfig(config(try #require(each["config"]?.objectValue)))
      let modules = texts(each["modules"])
      let targets = PEFTRules.Targets(try #require(config.targetModules))
      let saved = config.modulesToSave.map(PEFTRules.SavedEntry.init)
      let adapted = modules.filter { path in targets.name(path) && !saved.contains { $0.keepsLoRA(from: path) } }
      #expect(adapted == texts(each["adapted"]))
      #expect(modules.filter { path in saved.contains { $0.saves(path) } } == texts(each["replaced"]))
      #expect(modules.map(config.rank) == each["ranks"]?.arrayValue?.compactMap(\.doubleValue))
      #expect(modules.map(config.alpha) == each["alphas"]?.arrayValue?.compactMap(\.doubleValue))
    }
  }

  /// Whatever was adapted and replaced, there is a config under which PEFT finds just that.
  @Test func resultsAreReadAsTheyAreMeant() throws {
    for each in try cases() {
      let settings = try AdapterConfig(config(try #require(each["config"]?.objectValue)))
      let adapted = texts(each["adapted"]).filter { !$0.hasSuffix("experts") }
      let replaced = texts(each["replaced"]).map { "\($0).weight" }
      let isClash = PEFTRules.clash(ofReplaced: replaced, with: adapted, base: [], inputs: [settings]) != nil
      guard !adapted.isEmpty, !isClash else { continue }
      let modules = adapted.map { name in
        MergedAdapter.Module(
          name: name, kind: .linear, a: Tensor([1, 2], shape: [1, 2]), b: Tensor([3, 4], shape: [2, 1]))
      }
      let merged = MergedAdapter(
        modules: modules, absolutes: replaced.map { ($0, Tensor([1], shape: [1])) }, inputs: [settings], baseModel: nil)
      let config = try AdapterConfig(Bytes(Array(merged.configText.utf8)))
      #expect(PEFTReading(config, merged.tensors).misreading == nil)
    }
  }

  @Test func attentionInOneModuleIsLookedUpAsOne() throws {
    #expect(PEFTRules.key(of: "x.attn.base_layer.out_proj") == "x.attn")
    #expect(PEFTRules.key(of: "x.attn.out_proj") == "x.attn.out_proj")
    let config = try AdapterConfig(config(["rank_pattern": ["attn": 3], "alpha_pattern": ["attn": 5]]))
    #expect(config.rank(of: "x.attn.base_layer.out_proj") == 3)
    #expect(config.alpha(of: "x.attn.base_layer.out_proj") == 5)
  }

  @Test func expertsAreFoundWithTheirRouters() {
    let modules = [
      "l.0.experts.0.w1", "l.0.experts.12.gate_proj", "l.0.gate", "l.1.gate", "l.0.experts.w1", "l.0.my_experts.0.w1",
      "l.0.experts.0", "l.0.shared_experts.up_proj",
    ]
    #expect(PEFTRules.experts(among: modules) == ["l.0.experts.0.w1", "l.0.experts.12.gate_proj", "l.0.gate"])
  }

  /// Each config or file is wrong in one thing, and that is said.
  @Test(
    arguments: [
      (["r": 3], [:], "it gives the module 'a.q' the rank 3, and its factors have 2"),
      (["lora_alpha": 4], [:], "it scales the module 'a.q', which should be left unscaled"),
      (["use_rslora": true], [:], "it scales the module 'a.q', which should be left unscaled"),
      (["lora_bias": true], [:], "lora_bias is true, and the module 'a.q' lacks a bias"),
      ([:], ["a.q.lora_B.bias": [3]], "lora_bias is false, and the module 'a.q' has one"),
      (["target_modules": ["k"]], [:], "it does not adapt the module 'a.q'"),
      (["target_modules": "all-linear"], [:], "target_modules is not a list"),
      (["target_modules": ["q", "x"]], ["a.x.weight": [1]], "it adapts 'a.x', for which the file has no factors"),
      (["modules_to_save": ["a"]], [:], "it does not adapt the module 'a.q'"),
      (["modules_to_save": ["q"], "target_modules": ["a.q"]], [:], "it does not adapt the module 'a.q'"),
      (["modules_to_save": ["head"]], [:], "modules_to_save has 'head', for which the file has nothing"),
      ([:], ["a.q.bias": [3]], "it looks for the tensor 'a.q.bias' as 'a.q.base_layer.bias'"),
      ([:], ["a.k.bias": [3]], "bias is 'none', and the file has 'a.k.bias'"),
      (["bias": "lora_only"], ["a.k.bias": [3]], "bias is 'lora_only', and the file has 'a.k.bias'"),
      (["task_type": "SEQ_CLS"], [:], "task_type is 'SEQ_CLS', but the file has no head for it"),
      (
        ["lora_bias": true], ["e.lora_embedding_A": [2, 4], "e.lora_embedding_B": [4, 2], "a.q.lora_B.bias": [3]],
        "it has no lora_bias for the embedding 'e'"
      ),
    ] as [(JSONObject, [String: [Int]], String)])
  func misreadingsAreFound(_ settings: JSONObject, _ more: [String: [Int]], _ expected: String) throws {
    var fields: JSONObject = ["lora_alpha": 2, "target_modules": ["q", "e"]]
    for (key, value) in settings.members { fields[key] = value }
    var tensors: [String: Tensor] = [:]
    for (name, shape) in more.merging(
      ["a.q.lora_A.weight": [2, 5], "a.q.lora_B.weight": [3, 2]], uniquingKeysWith: { $1 })
    {
      tensors[tensorName(of: name)] = Tensor([Float](repeating: 1, count: shape.reduce(1, *)), shape: shape)
    }
    #expect(PEFTReading(try AdapterConfig(config(fields)), tensors).misreading == expected)
  }
}
