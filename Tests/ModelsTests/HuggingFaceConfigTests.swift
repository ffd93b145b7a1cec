import Diagnostics
import JSON
import TestSupport
import Testing

@testable import Models

@Suite struct HuggingFaceConfigTests {
  /// A config with nothing that has a default, changed.
  func config(_ family: String, _ changes: [(String, JSONValue)] = []) throws -> HuggingFaceConfig {
    var object: JSONObject = [
      "model_type": .string(family), "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
      "num_attention_heads": 4, "vocab_size": 100,
    ]
    if family == "mistral" || family.hasPrefix("qwen") { object["num_key_value_heads"] = 2 }
    for (key, value) in changes { object[key] = value }
    return try HuggingFaceConfig(object)
  }

  @Test func takesWhatTransformersTakesWhereNothingIsSaid() throws {
    let llama = try config("llama")
    #expect(llama.shape.keyValueHeadCount == 4)
    #expect(llama.shape.headWidth == 16)
    #expect(llama.shape.maximumLength == 2048)
    #expect(llama.shape.normEpsilon == 1e-6)
    #expect(llama.shape.rotation.frequencies[1] == Float(1 / 10_000.0.squareRoot().squareRoot().squareRoot()))
    #expect(!llama.isTied && llama.biased.isEmpty && llama.shape.windows == [nil, nil, nil])
    #expect(try config("mistral").shape.windows == [4096, 4096, 4096])
    #expect(try config("mistral").shape.maximumLength == 131_072)
    #expect(try config("mistral", [("num_key_value_heads", .null)]).shape.keyValueHeadCount == 4)
    #expect(
      try config("mistral", [("num_attention_heads", 16), ("num_key_value_heads", .null)]).shape.keyValueHeadCount == 16
    )
    let qwen2 = try config("qwen2")
    #expect(qwen2.biased == [.query, .key, .value] && qwen2.shape.windows == [nil, nil, nil] && !qwen2.isTied)
    #expect(qwen2.shape.maximumLength == 32_768 && qwen2.shape.headWidth == 16)
    let qwen3 = try config("qwen3")
    #expect(qwen3.biased.isEmpty && qwen3.shape.headWidth == 128 && qwen3.shape.normsHeads)
    #expect(try config("qwen3", [("attention_bias", true)]).biased == [.query, .key, .value, .output])
    #expect(try config("llama", [("mlp_bias", true)]).biased == [.gate, .up, .down])
    #expect(try config("llama", [("tie_word_embeddings", true)]).isTied)
  }

  @Test func givesLayersTheirWindows() throws {
    func windows(_ family: String, _ changes: [(String, JSONValue)]) throws -> [Int?] {
      try config(family, changes).shape.windows
    }
    #expect(try windows("mistral", [("sliding_window", .null)]) == [nil, nil, nil])
    #expect(try windows("mistral", [("sliding_window", 7)]) == [7, 7, 7])
    #expect(try windows("qwen2", [("use_sliding_window", true), ("max_window_layers", 2)]) == [nil, nil, 4096])
    #expect(try windows("qwen2", [("use_sliding_window", true), ("sliding_window", 9)]) == [nil, nil, nil])
    #expect(try windows("qwen3", [("sliding_window", 9), ("max_window_layers", 0)]) == [nil, nil, nil])
    let kinds: JSONValue = ["full_attention", "sliding_attention", "full_attention"]
    #expect(
      try windows("qwen3", [("use_sliding_window", true), ("sliding_window", 9), ("layer_types", kinds)])
        == [nil, 9, nil])
    for family in ["llama", "qwen2", "mistral"] {
      expectFailure(.badData, "'layer_types'") { try config(family, [("layer_types", kinds)]) }
    }
    expectFailure(.badData, "a list of 3 is expected") { try config("qwen2", [("layer_types", ["full_attention"])]) }
    expectFailure(.badData, "'layer_types' names 'chunked'") {
      try config("qwen2", [("layer_types", ["chunked", "chunked", "chunked"])])
    }
  }

  @Test func ignoresWhatIsKnownToChangeNothingOrIsOff() throws {
    let plain = try config("llama")
    for (key, value) in [
      ("attention_dropout", 0.1), ("torch_dtype", "bfloat16"), ("is_llama_config", true), ("rope_interleaved", false),
      ("pretraining_tp", 1), ("quantization_config", .null), ("sliding_window", .null),
      ("architectures", ["LlamaModel"]),
      ("use_qk_norm", false), ("pruned_heads", [:]), ("hidden_act", "silu"), ("rope_scaling", .null),
      ("partial_rotary_factor", 1.0), ("temperature", 0.6), ("eos_token_id", [1, 2]),
    ] as [(String, JSONValue)] {
      let other = try config("llama", [(key, value)])
      #expect(other.shape == plain.shape && other.biased == plain.biased, "\(key)")
    }
  }

  static let refusals: [(family: String, key: String, value: JSONValue, words: String)] = [
    ("llama", "quantization_config", ["quant_method": "gptq"], "quantized"),
    ("llama", "hidden_act", "gelu", "'hidden_act' is 'gelu'"),
    ("llama", "pretraining_tp", 2, "'pretraining_tp' is 2"),
    ("llama", "partial_rotary_factor", 0.5, "'partial_rotary_factor' is 0.5"),
    ("llama", "auto_map", ["AutoModel": "x.Y"], "code of its own"),
    ("llama", "architectures", ["LlamaForSequenceClassification"], "'LlamaForSequenceClassification'"),
    ("llama", "architectures", "LlamaForCausalLM", "names no class"),
    ("llama", "sliding_window", 512, "'sliding_window' is not understood"),
    ("llama", "rope_interleaved", true, "'rope_interleaved' is not understood"),
    ("llama", "is_encoder_decoder", true, "'is_encoder_decoder' is not understood"),
    ("llama", "embedding_multiplier", 12.0, "'embedding_multiplier' is not understood"),
    ("mistral", "attention_bias", true, "'attention_bias' is not understood"),
    ("qwen2", "mlp_bias", true, "'mlp_bias' is not understood"),
    ("llama", "num_attention_heads", 5, "which 5 heads do not divide"),
    ("llama", "num_key_value_heads", 3, "they do not divide"),
    ("llama", "head_dim", 15, "not turned in pairs"),
    ("llama", "head_dim", 100_000_000, "'head_dim' is 100000000"),
    ("llama", "hidden_size", 0, "'hidden_size' is 0"),
    ("llama", "hidden_size", -64, "'hidden_size' is -64"),
    ("llama", "hidden_size", 64.5, "'hidden_size' is 64.5"),
    ("llama", "hidden_size", "64", "'hidden_size' is '64'"),
    ("llama", "hidden_size", .null, "has no setting 'hidden_size'"),
    ("llama", "num_hidden_layers", 1_000_000_000, "'num_hidden_layers'"),
    ("llama", "vocab_size", 9_000_000_000_000_000_000, "'vocab_size'"),
    ("llama", "rms_norm_eps", 0, "'rms_norm_eps' is 0"),
    ("llama", "tie_word_embeddings", 1, "'tie_word_embeddings' is 1"),
    ("llama", "rope_theta", 0, "'rope_theta' is 0"),
    ("llama", "rope_theta", 1, "'rope_theta' is 1"),
    ("llama", "rope_scaling", "linear", "'rope_scaling' is 'linear'"),
    ("llama", "rope_scaling", ["type": "dynamic", "factor": 2], "of the type 'dynamic'"),
    ("llama", "rope_scaling", ["type": "linear", "rope_type": "yarn", "factor": 2], "is 'yarn', but"),
    ("llama", "rope_scaling", ["type": "linear"], "has no setting 'rope_scaling.factor'"),
    ("llama", "rope_scaling", ["type": "linear", "factor": 0], "'rope_scaling.factor' is 0"),
    ("llama", "rope_scaling", ["type": "linear", "factor": 2, "warp": 1], "'rope_scaling.warp' is not understood"),
    ("llama", "rope_parameters", ["rope_type": "longrope", "short_factor": [1]], "of the type 'longrope'"),
    (
      "llama", "rope_parameters", ["rope_type": "default", "mrope_section": [1, 2]], "'rope_parameters.mrope_section'"
    ),
    ("qwen3", "rope_parameters", ["full_attention": ["rope_theta": 1e4]], "'rope_parameters.full_attention'"),
    ("llama", "rope_parameters", ["rope_theta": 1e4, "partial_rotary_factor": 0.25], "turned in part"),
    (
      "llama", "rope_parameters",
      ["rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4], "'high_freq_factor' is 4.0"
    ),
    ("llama", "rope_parameters", ["rope_type": "yarn", "factor": 8, "beta_fast": -1], "'rope_parameters.beta_fast'"),
    ("llama", "rope_parameters", ["rope_type": "linear", "factor": 1e-300], "not finite"),
    ("gemma2", "x", .null, "models of the type 'gemma2' are not computed"),
    ("llama\u{1b}[31m", "x", .null, "models of the type"),
  ]

  @Test(arguments: refusals.indices) func refusesBySetting(_ place: Int) {
    let refusal = Self.refusals[place]
    expectFailure(.badData, refusal.words) { try config(refusal.family, [(refusal.key, refusal.value)]) }
  }

  @Test func refusesTwoSpellingsThatDisagree() {
    expectFailure(.badData, "'rope_scaling' and 'rope_parameters'") {
      try config(
        "llama", [("rope_scaling", ["type": "linear", "factor": 2]), ("rope_parameters", ["rope_theta": 10000])])
    }
    expectFailure(.badData, "'rope_theta' is 10000.0, but") {
      try config("llama", [("rope_theta", 10000), ("rope_parameters", ["rope_theta": 20000])])
    }
    expectFailure(.badData, "'original_max_position_embeddings' is 100.0, but") {
      try config(
        "llama",
        [
          ("original_max_position_embeddings", 100),
          (
            "rope_scaling",
            [
              "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
              "original_max_position_embeddings": 200,
            ]
          ),
        ])
    }
  }

  @Test func readsBothSpellingsAlike() throws {
    let inner: JSONObject = ["factor": 4.0, "original_max_position_embeddings": 512]
    for kind in ["type", "rope_type"] {
      var old = inner
      old[kind] = "yarn"
      var new = inner
      new["rope_type"] = "yarn"
      new["rope_theta"] = 50000.0
      let a = try config("qwen2", [("rope_theta", 50000), ("rope_scaling", .object(old))])
      let b = try config("qwen2", [("rope_parameters", .object(new))])
      #expect(a.shape == b.shape)
      #expect(a.shape.rotation.scale > 1)
    }
  }
}
