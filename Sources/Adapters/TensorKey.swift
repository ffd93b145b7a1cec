import Diagnostics

/// The name under which PEFT writes a parameter of the base model's that an adapter brings.
///
/// - parameter parameter: Its path in the base model, such as `model.layers.3.self_attn.q_proj.lora_A.weight`.
public func tensorName(of parameter: String) -> String { "base_model.model." + parameter }

/// What a tensor of `adapter_model.safetensors` is, read from its name.
enum TensorKey: Equatable {
  /// A factor or the bias of a module; `isEmbedding` when it was named `lora_embedding_…`.
  case factor(module: String, part: Part, isEmbedding: Bool)
  /// A tensor that replaces one of the base model's: `modules_to_save`, biases, resized embeddings.
  case absolute(name: String)

  enum Part: String {
    case a = "A"
    case b = "B"
    case bias = "B.bias"
  }

  /// Reads a name in any of the spellings that trainers leave behind.
  ///
  /// The usual one is `base_model.model.<module>.lora_A.weight`. The prefix may be missing; wrappers
  /// (`module.`, `_orig_mod.`, `_fsdp_wrapped_module.`) and the adapter's name after `lora_A` may be left in.
  init(_ name: String) throws {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    parts.removeAll { $0 == "_orig_mod" || $0 == "_fsdp_wrapped_module" }
    while parts.first == "module" { parts.removeFirst() }
    if parts.starts(with: ["base_model", "model"]) { parts.removeFirst(2) }

    try Self.refuse(parts, name)
    guard
      let place = parts.lastIndex(where: { ["lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B"].contains($0) })
    else {
      self = .absolute(name: parts.joined(separator: "."))
      return
    }
    let marker = parts[place]
    var rest = Array(parts[(place + 1)...])
    let isEmbedding = marker.hasPrefix("lora_embedding_")
    // What stands between the marker and `weight` is the adapter's name; embeddings have no `weight`.
    let ending = isEmbedding ? nil : rest.popLast()
    guard rest.count <= 1, isEmbedding || ending == "weight" || (ending == "bias" && marker == "lora_B"), place > 0
    else {
      throw Failure(
        .badData, "has a name that is no LoRA parameter of PEFT",
        advice: "save the adapter with PEFT's save_pretrained",
        tensor: name)
    }
    let part: Part = ending == "bias" ? .bias : marker.hasSuffix("A") ? .a : .b
    self = .factor(module: parts[..<place].joined(separator: "."), part: part, isEmbedding: isEmbedding)
  }

  private static func refuse(_ parts: [String], _ name: String) throws {
    func refusal(_ what: String, _ advice: String) -> Failure { Failure(.badData, what, advice: advice, tensor: name) }
    // First, because kohya's modules are named lora_unet_… themselves.
    let isKohyas =
      parts.last == "alpha" || parts.contains { $0 == "lora_down" || $0 == "lora_up" }
      || (parts.contains("lora") && parts.contains { $0 == "down" || $0 == "up" })
    guard !isKohyas else {
      throw refusal(
        "is named as kohya's and diffusers' trainers do", "convert the file to PEFT's format (lora_A, lora_B) first")
    }
    for part in parts {
      switch part {
      case "lora_magnitude_vector":
        throw refusal(
          "is the magnitude of a DoRA adapter, whose delta depends on the base weights",
          "merge it into its base model with PEFT and extract a plain LoRA")
      case "lora_diag", "lora_E":
        throw refusal("belongs to a KaSA or AdaLoRA adapter, whose delta is not s·B·A", "train a plain LoRA adapter")
      case "trainable_tokens_delta":
        throw refusal("holds trained token rows, which a merge cannot keep", "train without trainable_token_indices")
      case _ where part.hasPrefix("lora_") && !known.contains(part):
        throw refusal("belongs to a variant of LoRA that Clues does not know ('\(part)')", "train a plain LoRA adapter")
      default: continue
      }
    }
  }

  private static let known: Set = ["lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B"]
}
