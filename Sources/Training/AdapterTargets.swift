import Diagnostics
import Engine
import Models

/// The layers of a model that get an adapter, by names or name endings like PEFT's `target_modules`.
struct AdapterTargets {
  /// As in the config.
  let names: [String]

  /// The layers, in the model's order.
  let layers: [LanguageModel.Linear]

  /// Adapts every linear layer except the head.
  static let all = "all-linear"

  /// The layers that PEFT adapts by default, by model type (`TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING`).
  private static let usual = [
    "llama": ["q_proj", "v_proj"], "mistral": ["q_proj", "v_proj"], "qwen2": ["q_proj", "v_proj"],
    "qwen3": ["q_proj", "v_proj"],
  ]

  /// - parameter given: Nil for PEFT's defaults.
  /// - throws: ``Failure`` `usage` for a name that no layer has.
  init(_ given: [String]?, _ model: LanguageModel) throws {
    let family = model.shape.family
    guard let given = given ?? Self.usual[family] else {
      throw Failure(
        .usage, "PEFT has no usual targets for models of the type '\(family)'",
        advice: "name them with --targets, or --targets \(Self.all)")
    }
    let linear = model.layers.flatMap { block in LinearRole.allCases.map { $0.layer(of: block) } }
    // Endings that match one layer in every block.
    let endings = LinearRole.allCases.compactMap { model.layers.first.map($0.layer)?.name.lastPart }
    names = given == [Self.all] ? endings : given
    for name in names where !linear.contains(where: { Self.name(name, of: $0) }) {
      throw Failure(
        .usage, "no layer of the base model that an adapter can be trained on is called '\(name)'",
        advice: "name some of \(endings.joined(separator: ", ")), or \(Self.all)")
    }
    guard Set(names).count == names.count, !names.isEmpty else {
      throw Failure(.usage, "the targets are none, or name one twice", advice: "name each layer once")
    }
    let names = names
    layers = linear.filter { layer in names.contains { Self.name($0, of: layer) } }
  }

  private static func name(_ target: String, of layer: LanguageModel.Linear) -> Bool {
    layer.name == target || layer.name.hasSuffix("." + target)
  }
}

extension String {
  /// The part after the last dot.
  fileprivate var lastPart: String { String(split(separator: ".").last ?? "") }
}
