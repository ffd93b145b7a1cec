/// A parameter's name without what only the training process knew: wrappers, and the adapter's own name.
///
/// `module.base_model.model.q_proj.lora_A.default.weight` and `base_model.model.q_proj.lora_A.weight` are one parameter:
/// PEFT leaves the adapter's name out when it saves.
struct ParameterName: Hashable {
  /// The parts between the dots.
  let parts: [String]

  var text: String { parts.joined(separator: ".") }

  init(_ name: String) {
    var rest = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)[...]
    while rest.first == "module" { rest.removeFirst() }
    var parts: [String] = []
    while let part = rest.popFirst() {
      switch part {
      case "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module": continue
      case "modules_to_save": _ = rest.popFirst()
      case "lora_magnitude_vector":
        parts.append(part)
        rest = []
      case "lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B":
        parts.append(part)
        if let next = rest.first, next != "weight", next != "bias" { rest.removeFirst() }
      default: parts.append(part)
      }
    }
    self.parts = parts
  }
}
