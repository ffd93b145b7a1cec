import Adapters
import Diagnostics
import JSON
import Tensors
import Testing

/// Files in which a parameter, or a layer, has more than one name.
@Suite struct SpellingTests {
  private func failure(_ settings: JSONObject = [:], _ tensors: [String: Tensor]) -> Failure? {
    do {
      _ = try adapter(settings, tensors)
      return nil
    } catch {
      return error as? Failure
    }
  }

  private static let prefix = "base_model.model."
  private let q: [String: Tensor] = tensors(smallest)

  @Test(arguments: [
    "lm_head.modules_to_save.default.weight", "lm_head.modules_to_save.alice.weight", "lm_head.modules_to_save.weight",
    "lm_head.base_layer.weight", "module.lm_head.weight",
  ]) func aValueHasOneName(_ spelled: String) throws {
    let head = Tensor([1, 2, 3], shape: [3, 1])
    let adapter = try adapter([:], q.merging([Self.prefix + spelled: head]) { $1 })
    #expect(Set(adapter.absolutes.keys) == ["lm_head.weight"])
    let twice = q.merging([Self.prefix + spelled: head, Self.prefix + "lm_head.weight": head]) { $1 }
    let refusal = failure([:], twice)
    #expect(refusal?.kind == .badData && refusal?.tensor?.contains("lm_head") == true)
    #expect(refusal?.message.hasPrefix("is the same parameter as 'base_model.model.") == true)
  }

  /// PEFT writes the biases of saved modules three times when all biases are trained.
  @Test func theCopiesThatPEFTMakesAreOne() throws {
    let trained = Tensor([1, 2], shape: [2])
    let names = ["classifier.dense.bias", "classifier.modules_to_save.default.dense.bias"]
    var all = q.merging(names.map { (Self.prefix + $0, trained) }) { $1 }
    all[Self.prefix + "classifier.original_module.dense.bias"] = Tensor([0, 0], shape: [2])
    let adapter = try adapter(["bias": "all", "modules_to_save": ["classifier"]], all)
    #expect(Set(adapter.absolutes.keys) == ["classifier.dense.bias"])
    #expect(try adapter.absolutes["classifier.dense.bias"]?.floats() == [1, 2])
    #expect(
      adapter.notes == [
        "'base_model.model.classifier.original_module.dense.bias' is the base model's own copy of a tensor that the "
          + "adapter replaces, and is ignored"
      ])
    all[Self.prefix + names[1]] = Tensor([1, 3], shape: [2])
    #expect(failure([:], all)?.message.hasPrefix("is the same parameter as") == true)
  }

  @Test func theCopiesOfEarlierVersionsAreOneToo() throws {
    let trained = Tensor([1, 2], shape: [2])
    let names = ["dense.bias", "out_proj.bias"].flatMap { ["classifier." + $0, "classifier.modules_to_save." + $0] }
    let all = q.merging(names.map { (Self.prefix + $0, trained) }) { $1 }
    #expect(Set(try adapter([:], all).absolutes.keys) == ["classifier.dense.bias", "classifier.out_proj.bias"])
  }

  @Test func aCopyOfTheBaseModelsIsNoTrainedTensor() {
    let refusal = failure(
      ["modules_to_save": ["lm_head"]],
      q.merging([Self.prefix + "lm_head.original_module.weight": Tensor([1], shape: [1])]) { $1 })
    #expect(
      refusal?.message == "is the base model's own copy of a saved module, but the trained tensor is not in the file")
    #expect(refusal?.tensor == "base_model.model.lm_head.original_module.weight")
  }

  /// A head that was trained and not saved would be lost without a word.
  @Test func whatTheConfigNamesAndTheFileLacksIsSaid() throws {
    let head = [Self.prefix + "lm_head.weight": Tensor([1], shape: [1])]
    func notes(_ saved: [String], task: JSONValue = .null, _ more: [String: Tensor] = [:]) throws -> [String] {
      try adapter(["modules_to_save": JSONValue(saved), "task_type": task], q.merging(more) { $1 }).notes
    }
    #expect(
      try notes(["lm_head", "model.norm"], head) == [
        "modules_to_save names 'model.norm', but the file has no tensor of it: if it was trained, save the adapter again"
      ])
    #expect(try notes(["lm_head"], head).isEmpty)
    #expect(try notes(["lm_head"]).count == 1)
    // PEFT names two heads for a task, of which a model has one.
    let score = [Self.prefix + "score.weight": Tensor([1], shape: [1])]
    #expect(try notes(["classifier", "score"], task: "SEQ_CLS", score).isEmpty)
    #expect(try notes(["classifier", "score"], task: "SEQ_CLS").count == 1)
  }

  /// PEFT puts LoRA's layer in the place of the base model's, and looks for no `q.weight` any more.
  @Test func aLayerHasOneRole() throws {
    let weight = Tensor([Float](repeating: 1, count: 15), shape: [3, 5])
    for name in ["q.weight", "q.modules_to_save.default.weight"] {
      let refusal = failure([:], q.merging([Self.prefix + name: weight]) { $1 })
      #expect(refusal?.message.hasPrefix("replaces a layer that the same file adapts with lora_A and lora_B") == true)
      #expect(refusal?.tensor == Self.prefix + name)
    }
    // What PEFT writes itself: the embedding below LoRA's layer, and biases of either.
    for name in ["q.base_layer.weight", "q.base_layer.bias", "q.bias"] {
      let adapter = try adapter([:], q.merging([Self.prefix + name: weight]) { $1 })
      #expect(Set(adapter.absolutes.keys) == [name == "q.base_layer.weight" ? "q.weight" : "q.bias"])
    }
  }

  @Test func anAdapterOnAnAdapterIsRefused() {
    let refusal = failure(
      [:], tensors(["q.base_layer.lora_A.weight": [2, 5], "q.base_layer.lora_B.weight": [3, 2]]))
    #expect(refusal?.message.hasPrefix("adapts a layer by nesting another adapter in it") == true)
  }

  @Test func whatWrappersLeftIsSaid() throws {
    let adapter = try adapter(
      [:], ["base_model.model.module.q.lora_A.weight": [2, 5], "base_model.model.module.q.lora_B.weight": [3, 2]])
    #expect(Set(adapter.modules.keys) == ["q"])
    #expect(
      adapter.notes == [
        "the tensors' names contain what wrappers added ('module'): 'base_model.model.module.q.lora_A.weight' is "
          + "read as 'base_model.model.q.lora_A.weight'"
      ])
  }

  /// PEFT compares patterns with the names that modules had in training, wrappers included.
  @Test func patternsMayBeWrittenForTheNamesInTheFile() throws {
    let shapes: KeyValuePairs = [
      "base_model.model.module.m.q.lora_A.weight": [2, 5], "base_model.model.module.m.q.lora_B.weight": [3, 2],
    ]
    for pattern in ["^module.m.q", "module.m.q", "m.q", "q"] {
      let adapter = try adapter(["alpha_pattern": .object([pattern: 6])], shapes)
      #expect(adapter.modules["m.q"]?.scaling == 3, "\(pattern)")
      #expect(adapter.notes.count == 1, "\(pattern)")
    }
    #expect(try adapter(["alpha_pattern": ["^m.q": 6, "^module.m.q": 8]], shapes).modules["m.q"]?.scaling == 3)
  }
}
