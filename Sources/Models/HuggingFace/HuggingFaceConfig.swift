import Diagnostics
import JSON
import Tensors

/// What config.json says about a model of the Llama family; whatever it says besides is refused.
package struct HuggingFaceConfig: Sendable {
  package var shape: ModelShape

  /// The linear layers that have a bias.
  package var biased: Set<LinearPart>

  /// Whether the embeddings are the head as well.
  package var isTied: Bool

  /// Reads config.json.
  ///
  /// - throws: ``Failure`` `badData` that names the setting.
  package init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    guard bytes.count <= limits[.jsonSize] else {
      throw Failure(beyond: .jsonSize, "has \(bytes.count) bytes, more than the limit of \(limits[.jsonSize])")
    }
    let value = try bytes.withUnsafeBytes { try JSONReader(limits).read($0) }
    guard let object = value.objectValue else { throw Failure(.badData, "is not a JSON object") }
    try self.init(object)
  }

  init(_ object: JSONObject) throws {
    var settings = Settings(object)
    guard let name = try settings.text("model_type") else { throw settings.absent("model_type") }
    guard let family = HuggingFaceFamily(rawValue: name) else {
      throw Failure(
        .badData, "models of the type '\(name)' are not computed",
        advice: "the types are \(HuggingFaceFamily.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    try Self.refuseWhatChangesEverything(&settings, family)
    let headCount = try settings.required("num_attention_heads")
    let width = try settings.required("hidden_size")
    let layerCount = try settings.required("num_hidden_layers", to: Self.mostLayers)
    let maximumLength = try settings.count("max_position_embeddings", to: .max) ?? family.maximumLength
    let keyValueHeadCount = try Self.keyValueHeadCount(&settings, family, headCount)
    let headWidth = try Self.headWidth(&settings, family, width: width, headCount: headCount)
    let rotation = try RotarySettings(&settings, maximumLength: maximumLength)
    shape = ModelShape(
      family: name, vocabulary: try settings.required("vocab_size"), width: width, layerCount: layerCount,
      headCount: headCount, keyValueHeadCount: keyValueHeadCount, headWidth: headWidth,
      feedForwardWidth: try settings.required("intermediate_size"),
      normEpsilon: Float(try settings.number("rms_norm_eps") ?? 1e-6), normsHeads: family == .qwen3,
      windows: try family.windows(&settings, layerCount: layerCount),
      rotation: try RotaryEmbedding(headWidth: headWidth, base: rotation.base, scaling: rotation.scaling),
      maximumLength: maximumLength)
    biased = try family.biased(&settings)
    isTied = try settings.flag("tie_word_embeddings")
    try settings.refuseOthers(harmless: Self.harmless)
  }

  /// No model has as many; a list of that length takes no memory to speak of.
  private static let mostLayers = 10_000

  private static func keyValueHeadCount(
    _ settings: inout Settings, _ family: HuggingFaceFamily, _ headCount: Int
  ) throws -> Int {
    // Null means as many as of queries; only where nothing is said the family's default holds.
    let isNull = settings.isNull("num_key_value_heads")
    let count =
      try settings.count("num_key_value_heads") ?? (isNull ? nil : family.keyValueHeadCount) ?? headCount
    guard headCount % count == 0 else {
      throw Failure(.badData, "has \(headCount) heads of queries for \(count) of keys and values: they do not divide")
    }
    return count
  }

  private static func headWidth(
    _ settings: inout Settings, _ family: HuggingFaceFamily, width: Int, headCount: Int
  ) throws -> Int {
    let stated = try settings.count("head_dim", to: 1 << 16) ?? family.headWidth
    guard stated != nil || width % headCount == 0 else {
      throw Failure(.badData, "has a width of \(width), which \(headCount) heads do not divide")
    }
    let headWidth = stated ?? width / headCount
    guard headWidth % 2 == 0, headWidth <= 1 << 16 else {
      throw Failure(.badData, "has heads of the width \(headWidth), which is not turned in pairs")
    }
    return headWidth
  }

  /// What is known to turn the model into another one, with its way out.
  private static func refuseWhatChangesEverything(_ settings: inout Settings, _ family: HuggingFaceFamily) throws {
    if settings.value("quantization_config") != nil {
      throw Failure(
        .badData, "the weights are quantized ('quantization_config')",
        advice: "take the model as it was before, or load it with transformers, call dequantize() and save it")
    }
    if settings.value("auto_map") != nil {
      throw Failure(
        .badData, "the model brings code of its own ('auto_map'), which may compute anything",
        advice: "if transformers loads it without trust_remote_code just as well, take 'auto_map' out of the config")
    }
    if let activation = try settings.text("hidden_act"), activation != "silu" {
      throw Failure(.badData, "'hidden_act' is '\(activation)', where only silu is computed")
    }
    if let parts = try settings.count("pretraining_tp", from: 0), parts > 1 {
      throw Failure(
        .badData, "'pretraining_tp' is \(parts): products in slices, as the model was trained, are not computed",
        advice: "transformers 5 does not compute them either; set it to 1 to have whole ones")
    }
    if let value = settings.value("architectures") {
      let names = value.arrayValue?.map(\.stringValue) ?? [nil]
      for name in names where name.map({ !family.classNames.contains($0) }) ?? true {
        throw Failure(
          .badData, "'architectures' names \(name.map { "'\($0)'" } ?? "no class"), which is not computed",
          advice: "of '\(family.rawValue)' the classes are \(family.classNames.joined(separator: " and "))")
      }
    }
    if let value = settings.value("partial_rotary_factor"), value.doubleValue != 1 {
      throw Failure(
        .badData, "'partial_rotary_factor' is \(value.shown): heads that are turned in part are not computed")
    }
  }

  /// Settings that say how a model was made, is written, trained or sampled from, not what it computes.
  private static let harmless: Set<String> = [
    "_name_or_path", "name_or_path", "model_max_length", "max_sequence_length", "_flash_attn_2_enabled",
    "_attn_implementation", "_attn_implementation_autoset", "attn_implementation",
    "transformers_version", "torch_dtype", "dtype", "transformers.js_config", "unsloth_fixed", "unsloth_version",
    "is_llama_config", "initializer_range", "use_cache", "attention_dropout", "hidden_dropout", "residual_dropout",
    "bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "sep_token_id", "cls_token_id",
    "decoder_start_token_id", "output_attentions", "output_hidden_states", "output_scores", "return_dict",
    "return_dict_in_generate", "torchscript", "use_bfloat16", "tf_legacy_loss", "is_decoder", "tie_encoder_decoder",
    "tie_last_hidden_states", "chunk_size_feed_forward", "id2label", "label2id", "num_labels", "problem_type",
    "finetuning_task", "task_specific_params", "tokenizer_class", "prefix", "temperature", "top_k", "top_p",
    "typical_p", "repetition_penalty", "length_penalty", "max_length", "min_length", "max_new_tokens",
    "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "num_beams", "num_beam_groups", "num_return_sequences",
    "diversity_penalty", "do_sample", "early_stopping", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens",
    "forced_bos_token_id", "forced_eos_token_id", "exponential_decay_length_penalty", "remove_invalid_values",
  ]
}
