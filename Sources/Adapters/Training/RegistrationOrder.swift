/// The order in which a model registers the modules below one parent, as far as it is known.
///
/// `named_parameters()`, and so an optimizer state, follows this order, and neither the adapter nor the state records
/// it. The table was read off the model definitions of Hugging Face transformers (4.57 and 5.23). The same names come
/// in different orders: OPT, BART, CLIP, Whisper and GPT-J register keys and values before queries. So a line may be
/// restricted to a parent, the longest match counts, and if several lines remain all of them are candidates.
///
/// A few models cannot be recognized: XGLM and a bare Whisper encoder look like Llama unless `out_proj` is adapted too. Their clients
/// need a file that records names, or a ledger; Documentation/Bundles.md says so.
struct RegistrationOrder {
  private let hasEncoder: Bool

  init(of names: [ParameterName]) { hasEncoder = names.contains { $0.parts.contains("encoder") } }

  /// The possible orders of `children` of `parent`; nil if nothing is known.
  func candidates(for children: [String], below parent: [String]) -> [[String]]? {
    if children.count == 1 { return [children] }
    if let order = sortedByNumber(children) { return [order] }
    let named = Set(children)
    let lines = Self.table.filter { line in
      named.count <= line.children.count && fits(line.parent, parent) && named.isSubset(of: line.children)
    }
    guard let depth = lines.map(\.parent.count).max() else { return nil }
    var orders: [[String]] = []
    for line in lines where line.parent.count == depth {
      let order = line.children.filter(named.contains)
      if !orders.contains(order) { orders.append(order) }
    }
    return orders
  }

  private func number(_ part: String) -> Int? {
    part.utf8.allSatisfy { $0 &- 0x30 < 10 } ? Int(part) : nil
  }

  private func fits(_ ending: [String], _ parent: [String]) -> Bool {
    if ending.first == "decoder", hasEncoder { return false }
    guard ending.count <= parent.count else { return false }
    return zip(ending, parent.suffix(ending.count)).allSatisfy { $0 == $1 || ($0 == "*" && number($1) != nil) }
  }

  private func sortedByNumber(_ children: [String]) -> [String]? {
    let numbered = children.compactMap { child in number(child).map { (number: $0, child: child) } }
    guard numbered.count == children.count, Set(numbered.map(\.number)).count == numbered.count else { return nil }
    return numbered.sorted { $0.number < $1.number }.map(\.child)
  }

  private static let table = lines.map {
    (
      parent: $0.parent.split(separator: ".").map(String.init),
      children: $0.children.split(separator: " ").map(String.init)
    )
  }

  /// The ending of the parent's path (`*` is a number), and its children in order.
  private static let lines: [(parent: String, children: String)] = [
    // Inside an adapted layer (PEFT's LoraLayer).
    ("", "base_layer lora_A lora_B lora_embedding_A lora_embedding_B lora_magnitude_vector"),
    ("", "weight bias"),
    // Attention, queries first: Llama, Mistral, Qwen, Gemma and most others; Phi; LFM2.
    ("", "q_proj k_proj v_proj o_proj"),
    ("", "q_proj k_proj v_proj dense"),
    ("", "q_proj k_proj v_proj out_proj"),
    ("model.layers.*.self_attn", "q_proj k_proj v_proj o_proj"),
    ("model.layers.*.self_attn", "q_proj k_proj v_proj dense"),
    ("language_model.layers.*.self_attn", "q_proj k_proj v_proj o_proj"),
    ("text_model.layers.*.self_attn", "q_proj k_proj v_proj o_proj"),
    // Attention, keys first: OPT, BART, Whisper, CLIP, SigLIP, GPT-J, GPT-Neo; Pixtral.
    ("", "k_proj v_proj q_proj out_proj"),
    ("", "k_proj v_proj q_proj o_proj"),
    ("decoder.layers.*.self_attn", "k_proj v_proj q_proj out_proj"),
    ("text_model.model.layers.*.self_attn", "k_proj v_proj q_proj out_proj"),
    ("biogpt.layers.*.self_attn", "k_proj v_proj q_proj out_proj"),
    ("h.*.attn", "k_proj v_proj q_proj out_proj"),
    // Attention with fused or low-rank projections: DeepSeek, Phi-3, CodeGen, GPT-NeoX, Falcon, Bloom, MPT, Baichuan.
    ("", "q_proj q_a_proj q_b_proj kv_a_proj_with_mqa kv_b_proj o_proj"),
    ("", "o_proj qkv_proj"),
    ("", "qkv_proj out_proj"),
    ("", "query_key_value dense"),
    ("", "Wqkv out_proj"),
    ("", "Wqkv Wo"),
    ("", "W_pack o_proj"),
    ("", "wqkv wo"),
    // Attention under other names: GPT-2, BERT and its kin, DistilBERT, T5.
    ("", "c_attn q_attn c_proj"),
    ("", "query key value dense"),
    ("", "q_lin k_lin v_lin out_lin"),
    ("", "q k v o"),
    // Feed-forward layers.
    ("", "gate_proj up_proj down_proj"),
    ("", "gate_up_proj down_proj"),
    ("", "fc1 fc2"),
    ("", "lin1 lin2"),
    ("", "c_fc c_proj"),
    ("", "dense_h_to_4h dense_4h_to_h"),
    ("", "wi wo"),
    ("", "wi_0 wi_1 wo"),
    ("", "Wi Wo"),
    ("", "w1 w2 w3"),
    ("", "w1 w3 w2"),
    // State-space and linear attention layers.
    ("", "in_proj x_proj dt_proj out_proj"),
    ("", "in_proj_qkvz in_proj_ba out_proj"),
    ("", "out_proj in_proj_qkv in_proj_z in_proj_b in_proj_a"),
    // Experts.
    ("", "gate experts shared_expert shared_expert_gate"),
    ("", "gate experts shared_experts"),
    ("", "experts gate shared_experts"),
    ("", "router experts"),
    // The parts of a block.
    ("", "self_attn encoder_attn mlp"),
    ("", "self_attn mlp cross_attn"),
    ("", "self_attn encoder_attn fc1 fc2"),
    ("", "mlp self_attn"),
    ("", "self_attn feed_forward"),
    ("model.layers.*", "linear_attn self_attn mlp"),
    ("model.layers.*", "self_attn block_sparse_moe"),
    ("language_model.layers.*", "linear_attn self_attn mlp"),
    ("text_model.layers.*", "self_attn mlp"),
    ("", "self_attention mlp"),
    ("", "attention mlp"),
    ("", "attention ffn"),
    ("", "attn crossattention mlp"),
    ("", "attn ffn"),
    ("", "attention crossattention intermediate output"),
    ("", "self output"),
    ("", "SelfAttention EncDecAttention"),
    // The parts of a model.
    ("", "embed_tokens layers norm"),
    ("", "wte wpe h ln_f"),
    ("", "word_embeddings h ln_f"),
    ("", "shared encoder decoder lm_head"),
    ("", "model lm_head"),
    ("", "model score"),
    ("", "transformer lm_head"),
    ("", "transformer score"),
  ]
}
