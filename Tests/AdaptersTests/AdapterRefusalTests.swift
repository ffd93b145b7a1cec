import Adapters
import Diagnostics
import JSON
import Tensors
import Testing

/// What cannot be merged rightly is refused, by name.
@Suite struct AdapterRefusalTests {
  func failure(_ settings: JSONObject = [:], _ shapes: KeyValuePairs<String, [Int]> = smallest) -> Failure? {
    #expect(throws: Failure.self) { try adapter(settings, shapes) }
  }

  @Test(
    arguments: [
      (["use_dora": true], "is a DoRA adapter, whose delta depends on the base weights"),
      (["kasa_config": ["x": 1]], "is a KaSA adapter ('kasa_config' is set), whose effect is not s·B·A"),
      (["kasa_config": [:]], "is a KaSA adapter ('kasa_config' is set), whose effect is not s·B·A"),
      (
        ["monteclora_config": ["x": 1]],
        "is a MonteCLoRA adapter ('monteclora_config' is set), whose effect is not s·B·A"
      ),
      (["velora_config": ["x": 1]], "is a VeLoRA adapter ('velora_config' is set), whose effect is not s·B·A"),
      (["arrow_config": ["x": 1]], "is an Arrow adapter ('arrow_config' is set), whose effect is not s·B·A"),
      (
        ["alora_invocation_tokens": [1, 2]],
        "is an aLoRA adapter ('alora_invocation_tokens' is set), whose effect is not s·B·A"
      ),
      (["use_qalora": true], "is a QALoRA adapter, whose factors have a different shape"),
      (["use_bdlora": ["nblocks": 2]], "is a BD-LoRA adapter, whose factors have a different shape"),
      (["use_bdlora": true], "is a BD-LoRA adapter, whose factors have a different shape"),
      (["init_lora_weights": "pissa"], "was initialized with pissa, so its delta is relative to a changed base model"),
      (
        ["init_lora_weights": "pissa_niter_16"],
        "was initialized with pissa, so its delta is relative to a changed base model"
      ),
      (["init_lora_weights": "olora"], "was initialized with olora, so its delta is relative to a changed base model"),
      (["init_lora_weights": "corda"], "was initialized with corda, so its delta is relative to a changed base model"),
      (
        ["init_lora_weights": "lora_ga"],
        "was initialized with lora_ga, so its delta is relative to a changed base model"
      ),
      (["init_lora_weights": "loftq"], "was initialized with loftq, so its delta is relative to a changed base model"),
      (["init_lora_weights": "novel"], "was initialized with 'novel', which Clues does not know"),
      (
        ["target_parameters": ["experts.w"]],
        "adapts expert parameters ('target_parameters' is set), whose factors are stored per expert"
      ),
      (["trainable_token_indices": [3]], "sets 'trainable_token_indices', which a merge cannot keep"),
      (["layer_replication": [[0, 2]]], "sets 'layer_replication', which a merge cannot keep"),
      (["peft_type": .null], "names no peft_type"),
      (["r": 0], "'r' is 0.0; a rank must be a positive integer"),
      (["r": 2.5], "'r' is 2.5; a rank must be a positive integer"),
      (["r": -2], "'r' is -2.0; a rank must be a positive integer"),
      (["r": "2"], "'r' is a string instead of a number"),
      (["lora_alpha": true], "'lora_alpha' is a boolean instead of a number"),
      (["use_rslora": 1], "'use_rslora' is a number instead of true or false"),
      (["rank_pattern": ["q"]], "'rank_pattern' is a list instead of an object"),
      (["alpha_pattern": ["q": "1"]], "'alpha_pattern.q' is a string instead of a number"),
      (["alpha_pattern": ["(": 1]], "the pattern '(' has an unclosed group"),
      (["target_modules": [1]], "'target_modules' is a number instead of a list of strings"),
      (["target_modules": 1], "'target_modules' is a number instead of a list of strings"),
      (["base_model_name_or_path": 1], "'base_model_name_or_path' is a number instead of a string"),
    ] as [(JSONObject, String)])
  func refusesConfigs(_ settings: JSONObject, _ message: String) {
    let failure = failure(settings)
    #expect(failure?.message == message)
    #expect(failure?.kind == .badData)
    #expect(failure?.file == "adapter_config.json")
  }

  @Test(arguments: [
    "ADALORA", "BOFT", "FOURIERFT", "HRA", "IA3", "LOHA", "LOKR", "LN_TUNING", "MISS", "OFT", "P_TUNING", "POLY",
    "PREFIX_TUNING", "PROMPT_TUNING", "VBLORA", "VERA", "XLORA", "lora",
  ])
  func refusesOtherKindsOfAdapters(_ type: String) {
    #expect(failure(["peft_type": .string(type)])?.message == "is an adapter of type \(type), not LORA")
  }

  @Test(arguments: ["gaussian", "eva", "orthogonal", "mica", true, false, .null] as [JSONValue])
  func plainInitializationsAreTaken(_ start: JSONValue) throws {
    _ = try adapter(["init_lora_weights": start], smallest)
  }

  @Test func settingsThatAreOffAreTaken() throws {
    let off: JSONObject = [
      "use_dora": false, "kasa_config": .null, "use_bdlora": .null, "use_qalora": false, "layer_replication": .null,
      "target_parameters": [], "alora_invocation_tokens": .null, "rank_pattern": .null, "loftq_config": [:],
    ]
    _ = try adapter(off, smallest)
  }

  @Test(
    arguments: [
      (["q.lora_A.weight": [2, 5]], "has lora_A but no lora_B"),
      (["q.lora_B.weight": [3, 2]], "has lora_B but no lora_A"),
      (["q.lora_B.bias": [3]], "has lora_B but no lora_A"),
      (["q.lora_A.weight": [4, 5], "q.lora_B.weight": [3, 4]], "has rank 4, but adapter_config.json says 2"),
      (
        ["q.lora_A.weight": [2, 5], "q.lora_B.weight": [3, 4]], "has 2 rows in lora_A but 4 columns in lora_B"
      ),
      (
        ["q.lora_A.weight": [10], "q.lora_B.weight": [6]],
        "has factors of shapes [10] and [6], which cannot be a pair of LoRA factors"
      ),
      (
        ["q.lora_A.weight": [2, 5, 3, 3], "q.lora_B.weight": [3, 2]],
        "has factors of shapes [2, 5, 3, 3] and [3, 2], which cannot be a pair of LoRA factors"
      ),
      (
        ["q.lora_A.weight": [2, 5, 3], "q.lora_B.weight": [3, 2, 3]],
        "has factors of shapes [2, 5, 3] and [3, 2, 3], which cannot be a pair of LoRA factors"
      ),
      (["q.lora_A.weight": [2, 0], "q.lora_B.weight": [3, 2]], "has empty factors of shapes [2, 0] and [3, 2]"),
      (
        ["q.lora_A.weight": [4, 5, 1, 1], "q.lora_B.weight": [3, 2, 1, 1]],
        "has 4 rows in lora_A but 2 columns in lora_B"
      ),
    ] as [(KeyValuePairs<String, [Int]>, String)])
  func refusesModules(_ shapes: KeyValuePairs<String, [Int]>, _ message: String) {
    let failure = failure([:], shapes)
    #expect(failure?.message == message)
    #expect(failure?.tensor == "q")
    #expect(failure?.file == "adapter_model.safetensors")
  }

  /// The config of a merged adapter must be able to name each module, or the result cannot be read back.
  @Test func refusesNamesThatNoPatternHolds() {
    let name = "base_model.model." + String(repeating: "y", count: 5000)
    #expect(
      failure([:], ["\(name).lora_A.weight": [2, 5], "\(name).lora_B.weight": [3, 2]])?.message
        == "has a name of 5000 bytes, longer than that of any layer")
  }

  @Test func refusesRanksThatContradictThePatterns() {
    #expect(
      failure(["rank_pattern": ["q": 16]])?.message == "has rank 2, but adapter_config.json says 16")
    #expect(
      failure(["rank_pattern": ["q": 2.5]])?.message == "has rank 2, but adapter_config.json says 2.5")
  }

  @Test func refusesScalingsThatMakeNoSense() {
    #expect(failure(["lora_alpha": 0])?.message == "has the scaling 0.0, which is not possible")
    #expect(failure(["alpha_pattern": ["q": 0]])?.message == "has the scaling 0.0, which is not possible")
  }

  @Test(arguments: DType.allCases.filter { !$0.isAdapterFloat }) func refusesTypesByName(_ dtype: DType) {
    func empty(_ shape: [Int]) -> Tensor {
      let bytes = [UInt8](repeating: 1, count: shape.reduce(dtype.size, *))
      return Tensor(dtype: dtype, shape: shape, bytes: Bytes(bytes))
    }
    let failure = #expect(throws: Failure.self) {
      try adapter([:], ["q.lora_A.weight": empty([2, 5]), "q.lora_B.weight": empty([3, 2])])
    }
    #expect(failure?.message == "is stored as \(dtype.torchName), a type that adapters cannot be merged in")
    #expect(failure?.advice == "convert it to float32, float16 or bfloat16 first")
  }

  @Test(arguments: [.f64, .f32, .f16, .bf16] as [DType]) func takesTheFloats(_ dtype: DType) throws {
    #expect(try adapter([:], tensors(smallest, dtype: dtype)).dtypes == [dtype])
  }

  @Test(arguments: [
    "q.lora_A.weight", "base_model.model.q.lora_A.default.weight", "module.base_model.model.q.lora_A.weight",
    "base_model.model._orig_mod.q.lora_A.other.weight",
  ])
  func refusesTheSameParameterTwice(_ second: String) {
    var all = tensors(smallest)
    all[second] = all["base_model.model.q.lora_A.weight"]
    let failure = #expect(throws: Failure.self) { try adapter([:], all) }
    let names = [second, "base_model.model.q.lora_A.weight"]
    #expect(names.contains { failure?.tensor == $0 })
    #expect(names.contains { $0 != failure?.tensor && failure?.message == "is the same parameter as '\($0)'" })
  }

  @Test func refusesDoubledAbsolutesAndMixedEmbeddings() {
    #expect(
      failure([:], ["lm_head.weight": [2], "base_model.model.lm_head.weight": [2]])?.message
        == "is the same parameter as 'base_model.model.lm_head.weight'")
    #expect(
      failure([:], ["e.lora_embedding_A": [2, 5], "e.lora_B.weight": [3, 2]])?.message
        == "is the same parameter as 'e.lora_B.weight'")
  }

  @Test func refusesFilesWithoutLoRA() {
    #expect(failure([:], ["lm_head.weight": [2, 2]])?.message == "holds no LoRA parameters")
  }

  @Test func namesTheFileThatIsBroken() throws {
    let good = Bytes(safetensors(tensors(smallest)))
    for (text, message) in [
      ("[]", "holds a list instead of an object"), ("{", "expected a key in double quotes"),
      (#"{"peft_type": "LORA", "lora_alpha": NaN}"#, "NaN is not a JSON number"),
      (#"{"peft_type": "LORA", "r": 2, "r": 4}"#, "duplicate key 'r'"),
    ] {
      let failure = #expect(throws: Failure.self) {
        try Adapter(config: Bytes(Array(text.utf8)), configFile: "the-config", weights: good, weightsFile: "w")
      }
      #expect(failure?.message == message)
      #expect(failure?.file == "the-config")
    }
    let config = Bytes(Array(JSONValue.object(config()).text().utf8))
    let failure = #expect(throws: Failure.self) {
      try Adapter(config: config, configFile: "c", weights: Bytes([1]), weightsFile: "the-weights")
    }
    #expect(failure?.file == "the-weights")
  }
}
