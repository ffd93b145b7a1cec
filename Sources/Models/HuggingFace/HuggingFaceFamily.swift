import Diagnostics

/// The kinds of models that are computed, by `model_type`, with what transformers takes where a config is silent.
enum HuggingFaceFamily: String, CaseIterable {
  case llama, mistral, qwen2, qwen3

  /// The classes of transformers that the weights may have been saved from.
  var classNames: [String] {
    let name =
      switch self {
      case .llama: "Llama"
      case .mistral: "Mistral"
      case .qwen2: "Qwen2"
      case .qwen3: "Qwen3"
      }
    return ["\(name)ForCausalLM", "\(name)Model"]
  }

  /// Heads of keys and values; nil: as many as of queries.
  var keyValueHeadCount: Int? {
    switch self {
    case .llama: nil
    case .mistral: 8
    case .qwen2, .qwen3: 32
    }
  }

  /// The width of a head; nil: what the heads divide the width into.
  var headWidth: Int? { self == .qwen3 ? 128 : nil }

  var maximumLength: Int {
    switch self {
    case .llama: 2048
    case .mistral: 131_072
    case .qwen2, .qwen3: 32_768
    }
  }

  /// The linear layers with a bias.
  func biased(_ settings: inout Settings) throws -> Set<LinearPart> {
    switch self {
    case .mistral: []
    case .qwen2: [.query, .key, .value]
    case .qwen3: try settings.flag("attention_bias") ? LinearPart.attention : []
    case .llama:
      (try settings.flag("attention_bias") ? LinearPart.attention : [])
        .union(try settings.flag("mlp_bias") ? LinearPart.feedForward : [])
    }
  }

  /// By layer, how far a token sees.
  func windows(_ settings: inout Settings, layerCount: Int) throws -> [Int?] {
    let kinds = try layerKinds(&settings, layerCount: layerCount)
    let window: Int?
    switch self {
    case .llama: window = nil
    case .mistral:
      window = try settings.count("sliding_window", to: .max) ?? (settings.isNull("sliding_window") ? nil : 4096)
      // Every layer has it, whatever a list says; one that says otherwise is for another class.
      if let kinds, kinds.contains(where: { $0 != (window != nil) }) {
        throw Failure(.badData, "'layer_types' says otherwise than 'sliding_window' which layers have a window")
      }
      return Array(repeating: window, count: layerCount)
    case .qwen2, .qwen3:
      let stated = try settings.count("sliding_window", to: .max) ?? (settings.isNull("sliding_window") ? nil : 4096)
      let first = try settings.count("max_window_layers", from: 0, to: .max) ?? 28
      window = try settings.flag("use_sliding_window") ? stated : nil
      if kinds == nil { return (0..<layerCount).map { $0 >= first ? window : nil } }
    }
    guard let kinds else { return Array(repeating: nil, count: layerCount) }
    if window == nil, kinds.contains(true) {
      throw Failure(.badData, "'layer_types' names layers with a window, but there is none")
    }
    return kinds.map { $0 ? window : nil }
  }

  /// Whether each layer has a window, where `layer_types` is there.
  private func layerKinds(_ settings: inout Settings, layerCount: Int) throws -> [Bool]? {
    guard let value = settings.value("layer_types") else { return nil }
    guard let names = value.arrayValue, names.count == layerCount else {
      throw settings.mismatch("layer_types", value, "a list of \(layerCount) is expected")
    }
    return try names.map { name in
      switch name.stringValue {
      case "full_attention": return false
      case "sliding_attention": return true
      default:
        throw Failure(
          .badData, "'layer_types' names \(name.shown), where full_attention and sliding_attention are computed")
      }
    }
  }
}
