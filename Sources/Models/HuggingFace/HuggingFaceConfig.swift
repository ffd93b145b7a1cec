import Diagnostics
import JSON
import Tensors

/// The settings in the config.json of a model of the Llama family; any other setting is refused.
package struct HuggingFaceConfig: Sendable {
  package var shape: ModelShape

  /// The linear layers that have a bias.
  package var biased: Set<LinearPart>

  /// Whether the embeddings are also the head.
  package var isTied: Bool

  var outline: ModelOutline { ModelOutline(shape: shape, isTied: isTied) }

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
        .badData, "models of the type '\(name)' are not supported",
        advice: "supported types: \(HuggingFaceFamily.allCases.map(\.rawValue).joined(separator: ", "))")
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

  /// More than any model has; a list of this length takes little memory.
  private static let mostLayers = 10_000

  private static func keyValueHeadCount(
    _ settings: inout Settings, _ family: HuggingFaceFamily, _ headCount: Int
  ) throws -> Int {
    // Null means as many as queries; the family's default only applies if the setting is absent.
    let isNull = settings.isNull("num_key_value_heads")
    let count =
      try settings.count("num_key_value_heads") ?? (isNull ? nil : family.keyValueHeadCount) ?? headCount
    try ModelShape.check(headCount: headCount, keyValueHeadCount: count)
    return count
  }

  private static func headWidth(
    _ settings: inout Settings, _ family: HuggingFaceFamily, width: Int, headCount: Int
  ) throws -> Int {
    let stated = try settings.count("head_dim", to: 1 << 16) ?? family.headWidth
    return try ModelShape.headWidth(stated: stated, width: width, headCount: headCount)
  }

  /// Refuses settings that turn the model into another one, with advice.
  private static func refuseWhatChangesEverything(_ settings: inout Settings, _ family: HuggingFaceFamily) throws {
    if settings.value("quantization_config") != nil {
      throw Failure(
        .badData, "the weights are quantized ('quantization_config')",
        advice: "use the original model, or load it with transformers, call dequantize() and save it")
    }
    if settings.value("auto_map") != nil {
      throw Failure(
        .badData, "the model has its own code ('auto_map'), which may compute anything",
        advice: "if transformers also loads it without trust_remote_code, remove 'auto_map' from the config")
    }
    if let activation = try settings.text("hidden_act"), activation != "silu" {
      throw Failure(.badData, "'hidden_act' is '\(activation)', but only silu is supported")
    }
    if let parts = try settings.count("pretraining_tp", from: 0), parts > 1 {
      throw Failure(
        .badData, "'pretraining_tp' is \(parts): sliced products, as in training, are not supported",
        advice: "transformers 5 does not support them either; set it to 1 for whole products")
    }
    if let value = settings.value("architectures") {
      let names = value.arrayValue?.map(\.stringValue) ?? [nil]
      for name in names where name.map({ !family.classNames.contains($0) }) ?? true {
        throw Failure(
          .badData, "'architectures' names \(name.map { "'\($0)'" } ?? "no class"), which is not supported",
          advice: "supported classes of '\(family.rawValue)': \(family.classNames.joined(separator: " and "))")
      }
    }
    if let value = settings.value("partial_rotary_factor"), value.doubleValue != 1 {
      throw Failure(
        .badData, "'partial_rotary_factor' is \(value.shown): partially rotated heads are not supported")
    }
  }

  /// Settings about how a model was made, is stored, trained or sampled from, not about what it computes.
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
