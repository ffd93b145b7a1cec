import Diagnostics
import Engine
import Models

/// Which layers of a model get an adapter: names or endings of names, as PEFT's `target_modules`.
struct AdapterTargets {
  /// As they stand in the config.
  let names: [String]

  /// The layers in the order of the model.
  let layers: [LanguageModel.Linear]

  /// What adapts every linear layer but the head.
  static let all = "all-linear"

  /// The layers that PEFT adapts where nothing is said, by the model's type (`TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING`).
  private static let usual = [
    "llama": ["q_proj", "v_proj"], "mistral": ["q_proj", "v_proj"], "qwen2": ["q_proj", "v_proj"],
    "qwen3": ["q_proj", "v_proj"],
  ]

  /// - parameter given: Nil for PEFT's usual ones.
  /// - throws: ``Failure`` `usage` for a name that no layer has.
  init(_ given: [String]?, _ model: LanguageModel) throws {
    let family = model.shape.family
    guard let given = given ?? Self.usual[family] else {
      throw Failure(
        .usage, "PEFT has no usual targets for models of the type '\(family)'",
        advice: "name them with --targets, or --targets \(Self.all)")
    }
    let linear = model.layers.flatMap { block in LinearRole.allCases.map { $0.layer(of: block) } }
    // Endings that are one layer's in every block.
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
  /// What stands behind the last dot.
  fileprivate var lastPart: String { String(split(separator: ".").last ?? "") }
}
