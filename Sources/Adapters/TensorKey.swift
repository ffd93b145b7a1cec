import Diagnostics

/// The role of a tensor in `adapter_model.safetensors`, read from its name.
enum TensorKey: Hashable {
  /// A factor or the bias of a module; `isEmbedding` when it was named `lora_embedding_…`.
  case factor(module: String, part: Part, isEmbedding: Bool)
  /// A tensor that replaces one of the base model's: `modules_to_save`, biases, resized embeddings.
  case absolute(name: String)
  /// The base model's own copy of such a tensor, which PEFT keeps for when the adapter is switched off.
  case original(name: String)

  enum Part: String {
    case a = "A"
    case b = "B"
    case bias = "B.bias"
  }

  /// Reads a name in any of the spellings that trainers leave behind; see ``ParameterName``.
  init(_ name: String) throws { try self.init(ParameterName(name), of: name) }

  /// - parameter name: The tensor's own name.
  init(_ parameter: ParameterName, of name: String) throws {
    try Self.refuse(parameter, name)
    guard let index = parameter.marker else {
      self = parameter.isOriginal ? .original(name: parameter.text) : .absolute(name: parameter.text)
      return
    }
    let (layer, marker, ending) = (parameter.parts[..<index], parameter.parts[index], parameter.parts[(index + 1)...])
    let isEmbedding = marker.hasPrefix("lora_embedding_")
    guard !layer.isEmpty,
      isEmbedding ? ending.isEmpty : ending == ["weight"] || (marker == "lora_B" && ending == ["bias"])
    else {
      throw Failure(
        .badData, "has a name that is not a LoRA parameter of PEFT",
        advice: "save the adapter with PEFT's save_pretrained",
        tensor: name)
    }
    guard layer.last != ParameterName.baseLayer else {
      throw Failure(
        .badData,
        "adapts a layer by nesting another adapter in it, as target_parameters does, so its delta is not s·B·A",
        advice: "adapt every layer once, as a module", tensor: name)
    }
    let part: Part = ending == ["bias"] ? .bias : marker.hasSuffix("A") ? .a : .b
    self = .factor(module: ParameterName.joined(layer), part: part, isEmbedding: isEmbedding)
  }

  private static func refuse(_ parameter: ParameterName, _ name: String) throws {
    let parts = parameter.spelled
    func refusal(_ what: String, _ advice: String) -> Failure { Failure(.badData, what, advice: advice, tensor: name) }
    // First, because kohya's modules are named lora_unet_… themselves.
    let isKohyas =
      parts.last == "alpha" || parts.contains { $0 == "lora_down" || $0 == "lora_up" }
      || (parts.contains("lora") && parts.contains { $0 == "down" || $0 == "up" })
    guard !isKohyas else {
      throw refusal(
        "has a name as written by kohya's and diffusers' trainers",
        "convert the file to PEFT's format (lora_A, lora_B) first")
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

  private static let known: Set<Substring> = ["lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B"]
}
