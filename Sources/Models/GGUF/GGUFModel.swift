import Diagnostics
import JSON

/// A model in a GGUF file: its metadata, in the terms of its architecture.
struct GGUFModel {
  private let file: GGUFFile
  private let path: String
  private let architecture: String

  /// The supported architectures; mistral's models have the architecture `llama`.
  private static let architectures = ["llama", "qwen2", "qwen3"]

  init(_ file: GGUFFile, path: String) throws {
    self.file = file
    self.path = path
    guard let name = try file.metadata.text("general.architecture") else {
      throw Failure(.badData, "has no 'general.architecture'")
    }
    guard Self.architectures.contains(name) else {
      throw Failure(
        .badData, "models of the architecture '\(name)' are not supported",
        advice: "supported architectures: \(Self.architectures.joined(separator: ", "))")
    }
    if let type = try file.metadata.text("general.type"), type != "model" {
      throw Failure(.badData, "holds '\(type)' instead of a model")
    }
    if let parts = try file.metadata.integer("split.count"), parts > 1 {
      throw Failure(
        .badData, "is one of \(parts) parts of a model", advice: "join them with llama-gguf-split --merge")
    }
    architecture = name
  }

  /// - throws: ``Failure`` `badData` that names the setting or the tensor.
  func model() throws -> LanguageModel {
    var tensors = tensors
    let outline = try outline(&tensors)
    return try LanguageModel(
      outline.shape, from: &tensors, .gguf, biased: biased(tensors, .gguf), isTied: outline.isTied,
      order: .ofQueriesAndKeys(inGGUF: architecture, headWidth: outline.shape.headWidth))
  }

  /// - throws: ``Failure`` `badData` that names the setting.
  func outline() throws -> ModelOutline {
    var tensors = tensors
    return try outline(&tensors)
  }

  private func outline(_ tensors: inout TensorTable) throws -> ModelOutline {
    ModelOutline(shape: try shape(&tensors, .gguf), isTied: !tensors.has(TensorNaming.gguf.head))
  }

  private var tensors: TensorTable {
    TensorTable(
      file.tensors.mapValues { StoredTensor(format: $0.format, shape: $0.shape, bytes: $0.bytes, file: path) },
      place: path)
  }

  private func shape(_ tensors: inout TensorTable, _ naming: TensorNaming) throws -> ModelShape {
    let prefix = "\(architecture)."
    let members = file.metadata.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
      .map { (String($0.key.dropFirst(prefix.count)), $0.value.json) }
    var settings = Settings(JSONObject(members), prefix: prefix)
    let width = try settings.required("embedding_length")
    let headCount = try settings.required("attention.head_count")
    let keyValueHeadCount = try settings.count("attention.head_count_kv") ?? headCount
    try ModelShape.check(headCount: headCount, keyValueHeadCount: keyValueHeadCount)
    let headWidth = try headWidth(&settings, width: width, headCount: headCount)
    let maximumLength = try settings.required("context_length", to: .max)
    let layerCount = try settings.required("block_count", to: 10_000)
    let vocabulary = tensors.shape(of: naming.embeddings)?.first ?? 0
    if let stated = try settings.count("vocab_size"), stated != vocabulary {
      throw Failure(.badData, "'\(prefix)vocab_size' is \(stated), but there are \(vocabulary) embeddings")
    }
    let rotation = try rotation(&settings, &tensors, headWidth: headWidth, maximumLength: maximumLength)
    let shape = ModelShape(
      family: architecture, vocabulary: vocabulary, width: width, layerCount: layerCount, headCount: headCount,
      keyValueHeadCount: keyValueHeadCount, headWidth: headWidth,
      feedForwardWidth: try settings.required("feed_forward_length"),
      normEpsilon: Float(try settings.requiredNumber("attention.layer_norm_rms_epsilon")),
      normsHeads: architecture == "qwen3", windows: Array(repeating: nil, count: layerCount), rotation: rotation,
      maximumLength: maximumLength)
    try refuseWhatChangesEverything(&settings, maximumLength: maximumLength)
    return shape
  }

  private func headWidth(_ settings: inout Settings, width: Int, headCount: Int) throws -> Int {
    let (keys, values) = (
      try settings.count("attention.key_length", to: 1 << 16), try settings.count("attention.value_length", to: 1 << 16)
    )
    let headWidth = try ModelShape.headWidth(stated: keys, width: width, headCount: headCount)
    guard values ?? headWidth == headWidth, try settings.count("rope.dimension_count") ?? headWidth == headWidth else {
      throw Failure(.badData, "has heads whose keys, values and rotated parts have different widths")
    }
    return headWidth
  }

  private func rotation(
    _ settings: inout Settings, _ tensors: inout TensorTable, headWidth: Int, maximumLength: Int
  ) throws -> RotaryEmbedding {
    let base = try settings.number("rope.freq_base") ?? 10_000
    guard base > 1 else { throw Failure(.badData, "'rope.freq_base' is \(base), but must be more than 1") }
    let kind = try settings.text("rope.scaling.type") ?? "none"
    var scaling = RotaryScaling.none
    switch kind {
    case "none": break
    case "linear": scaling = .linear(factor: try settings.requiredNumber("rope.scaling.factor"))
    case "yarn":
      let factor = try settings.requiredNumber("rope.scaling.factor")
      scaling = .yarn(
        RotaryScaling.Yarn(
          factor: factor,
          trainedLength: try settings.number("rope.scaling.original_context_length") ?? Double(maximumLength),
          scale: RotaryScaling.Yarn.usualScale(factor)))
    default:
      throw Failure(
        .badData, "the rotary embedding is scaled by '\(kind)'", advice: "supported: none, linear and yarn")
    }
    // Whether a model was trained further after its context was extended changes nothing.
    _ = settings.value("rope.scaling.finetuned")
    // The scaling of each frequency in Llama 3.1 is in a tensor.
    let name = "rope_freqs.weight"
    if tensors.has(name) {
      let factors = try tensors.vector(name, headWidth / 2)
      guard kind == "none", factors.allSatisfy({ $0 > 0 }) else {
        throw Failure(
          .badData, "is present in addition to a scaling, or has factors that are not above 0", tensor: name)
      }
      scaling = .factors(factors)
    }
    return try RotaryEmbedding(headWidth: headWidth, base: base, scaling: scaling)
  }

  private func refuseWhatChangesEverything(_ settings: inout Settings, maximumLength: Int) throws {
    for key in ["expert_count", "expert_used_count"] {
      if let count = try settings.count(key, from: 0), count > 0 {
        throw Failure(.badData, "the model has experts ('\(architecture).\(key)' is \(count)), which are not supported")
      }
    }
    if let window = try settings.count("attention.sliding_window", from: 0, to: .max), window > 0,
      window < maximumLength
    {
      throw Failure(
        .badData, "'\(architecture).attention.sliding_window' is \(window), but GGUF does not say which layers have it",
        advice: "use the model as a Hugging Face folder")
    }
    // Early converters wrote this; the order of rows is the same.
    if let layout = try settings.text("tensor_data_layout"), layout != "Meta AI original pth" {
      throw Failure(.badData, "'\(architecture).tensor_data_layout' is '\(layout)', which is not known")
    }
    try settings.refuseOthers()
  }

  private func biased(_ tensors: TensorTable, _ naming: TensorNaming) -> Set<LinearPart> {
    switch architecture {
    case "qwen2": [.query, .key, .value]
    case "qwen3": []
    default: Set(LinearPart.allCases.filter { tensors.has(naming.linear(0, $0, "bias")) })
    }
  }
}
