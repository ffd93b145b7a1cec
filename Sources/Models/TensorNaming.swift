/// The names of a model's tensors in its files.
enum TensorNaming: Equatable {
  /// `prefix` is `model.`, or empty if the decoder was saved without its head.
  case huggingFace(prefix: String)
  case gguf

  var embeddings: String { name("embed_tokens", "token_embd") }
  var finalNorm: String { name("norm", "output_norm") }
  var head: String {
    switch self {
    case .huggingFace: "lm_head.weight"
    case .gguf: "output.weight"
    }
  }

  func inputNorm(_ layer: Int) -> String { name("layers.\(layer).input_layernorm", "blk.\(layer).attn_norm") }
  func queryNorm(_ layer: Int) -> String { name("layers.\(layer).self_attn.q_norm", "blk.\(layer).attn_q_norm") }
  func keyNorm(_ layer: Int) -> String { name("layers.\(layer).self_attn.k_norm", "blk.\(layer).attn_k_norm") }
  func feedForwardNorm(_ layer: Int) -> String {
    name("layers.\(layer).post_attention_layernorm", "blk.\(layer).ffn_norm")
  }

  /// The weight of a linear layer, or its bias.
  func linear(_ layer: Int, _ part: LinearPart, _ kind: String = "weight") -> String {
    let short =
      switch part {
      case .query: "attn_q"
      case .key: "attn_k"
      case .value: "attn_v"
      case .output: "attn_output"
      case .gate: "ffn_gate"
      case .up: "ffn_up"
      case .down: "ffn_down"
      }
    return name("layers.\(layer).\(part.rawValue)", "blk.\(layer).\(short)", kind)
  }

  private func name(_ huggingFace: String, _ gguf: String, _ kind: String = "weight") -> String {
    switch self {
    case .huggingFace(let prefix): "\(prefix)\(huggingFace).\(kind)"
    case .gguf: "\(gguf).\(kind)"
    }
  }
}
