import Foundation

/// A language model of SmolLM2-135M's shape with random weights in float32, a client of it, and samples.
struct SmallModel {
  /// The folders of the model and of the client, which has checkpoints 1 to 3.
  let base: String
  let client: String
  private let folder: String

  private static let (layers, width, inner, keys, vocabulary, rank) = (30, 576, 1536, 192, 49152, 8)

  /// Makes them where they are not there yet.
  init(in folder: String) throws {
    self.folder = folder
    (base, client) = ("\(folder)/model", "\(folder)/client")
    try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
    try Data(Self.config.utf8).write(to: URL(filePath: base + "/config.json"))
    if !FileManager.default.fileExists(atPath: weights) { try NoiseTensor.write(Self.tensors, seed: 1, to: weights) }
    for step in 1...3 { try Self.writeCheckpoint(step, to: "\(client)/checkpoint-\(step)") }
  }

  var weights: String { base + "/model.safetensors" }

  /// A file of samples of so many tokens, of which the second half is learned.
  func samples(_ count: Int, length: Int) throws -> String {
    let path = "\(folder)/samples-\(length)-\(count).jsonl"
    let lines = (0..<count).map { sample in
      // Any tokens will do, as long as they are not all the same.
      let ids = (0..<length).map { 1 + (sample * 7919 + $0 * 104_729) % (Self.vocabulary - 1) }
      let labels = ids.enumerated().map { $0 < length / 2 ? -100 : $1 }
      return "{\"input_ids\": \(ids), \"labels\": \(labels)}\n"
    }
    try Data(lines.joined().utf8).write(to: URL(filePath: path))
    return path
  }

  /// Operations on numbers that the gradient of such a sample takes, at the least: forward and back through the linear layers for
  /// every token but the last, and through the vocabulary for what is learned.
  static func operations(length: Int) -> Double {
    let layers: Int = tensors.filter { $0.name.hasPrefix("model.layers.") }.map(\.count).reduce(0, +)
    let learned: Int = length - length / 2
    return 4 * Double(layers * (length - 1)) + 4 * Double(vocabulary * width * learned)
  }

  private static let config = """
    {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": \(width), "intermediate_size": \(inner),
     "num_hidden_layers": \(layers), "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": \(vocabulary),
     "max_position_embeddings": 8192, "rms_norm_eps": 1e-05, "rope_theta": 100000.0, "tie_word_embeddings": true,
     "hidden_act": "silu", "torch_dtype": "float32"}
    """

  private static var tensors: [NoiseTensor] {
    let matrices = [
      ("self_attn.q_proj", [width, width]), ("self_attn.k_proj", [keys, width]), ("self_attn.v_proj", [keys, width]),
      ("self_attn.o_proj", [width, width]), ("mlp.gate_proj", [inner, width]), ("mlp.up_proj", [inner, width]),
      ("mlp.down_proj", [width, inner]),
    ]
    let blocks = (0..<layers).flatMap { layer in
      matrices.map { NoiseTensor("model.layers.\(layer).\($0).weight", $1, scale: 0.02) }
        + ["input_layernorm", "post_attention_layernorm"].map {
          NoiseTensor("model.layers.\(layer).\($0).weight", [width], scale: nil)
        }
    }
    return blocks + [
      NoiseTensor("model.embed_tokens.weight", [vocabulary, width], scale: 0.02),
      NoiseTensor("model.norm.weight", [width], scale: nil),
    ]
  }

  private static func writeCheckpoint(_ step: Int, to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let config = """
      {"peft_type": "LORA", "base_model_name_or_path": "model", "r": \(rank), "lora_alpha": \(2 * rank),
       "target_modules": ["q_proj", "v_proj"], "bias": "none", "task_type": "CAUSAL_LM"}
      """
    let state = """
      {"global_step": \(step), "epoch": \(step), "log_history":
       [{"epoch": \(step), "step": \(step), "learning_rate": 0.0001, "loss": 1}]}
      """
    try Data(config.utf8).write(to: URL(filePath: folder + "/adapter_config.json"))
    try Data(state.utf8).write(to: URL(filePath: folder + "/trainer_state.json"))
    let path = folder + "/adapter_model.safetensors"
    guard !FileManager.default.fileExists(atPath: path) else { return }
    let factors = (0..<layers).flatMap { layer in
      [("q_proj", width), ("v_proj", keys)].flatMap { name, outputs in
        let module = "base_model.model.model.layers.\(layer).self_attn.\(name)"
        return [
          NoiseTensor("\(module).lora_A.weight", [rank, width], scale: 0.02),
          NoiseTensor("\(module).lora_B.weight", [outputs, rank], scale: 0.02),
        ]
      }
    }
    try NoiseTensor.write(factors, seed: step, to: path)
  }
}
