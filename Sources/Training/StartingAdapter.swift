import Adapters
import Bundles
import Diagnostics
import Engine
import JSON
import Models
import Tensors

/// The adapter that a training starts with: a new one, initialized as in PEFT, or an existing one.
struct StartingAdapter: Sendable {
  let adapter: Adapter
  let config: JSONObject

  /// The probability that an input of A is dropped.
  let dropout: Double

  /// - throws: ``Failure``: `usage` for targets and ranks that do not fit the model, `badData` and `missingInput` for an
  ///   existing adapter.
  init(_ settings: TrainingSettings, _ model: LanguageModel) throws {
    let raw: JSONObject
    let weights: Bytes
    if let initial = settings.initial {
      let bundle = try Bundle.open(initial, wanting: [.adapter], limits: settings.data.limits)
      guard let files = bundle.adapter else {
        throw Failure(.missingInput, "holds no adapter", advice: "give the folder of one", file: initial)
      }
      let adapter = try files.adapter()
      // Refuses what cannot be trained under its original name, before it is rewritten.
      _ = try locating(file: files.weights.name) { try Engine(model: model, adapter: adapter, threads: 1) }
      raw = adapter.config.raw
      weights = Bytes(try Self.file(adapter))
      dropout = try settings.dropout ?? Self.dropout(of: raw, initial)
    } else {
      let targets = try AdapterTargets(settings.targets, model)
      let rank = settings.rank ?? 8
      raw = Self.config(settings, targets: targets.names, rank: rank)
      weights = Bytes(try Self.drawn(targets.layers, rank: rank, seed: settings.seed))
      dropout = settings.dropout ?? 0
    }
    var config = raw
    config["lora_dropout"] = .number(dropout)
    config["inference_mode"] = true
    self.config = config
    adapter = try Adapter(
      config: Bytes(JSONValue.object(config).text().utf8), configFile: PEFTFile.config, weights: weights,
      weightsFile: PEFTFile.weights, limits: settings.data.limits)
  }

  private static func config(_ settings: TrainingSettings, targets: [String], rank: Int) -> JSONObject {
    let alpha = settings.alpha ?? 8
    return JSONObject([
      ("alpha_pattern", .object([:])),
      ("auto_mapping", .null),
      ("base_model_name_or_path", .string(settings.data.base)),
      ("bias", "none"),
      ("fan_in_fan_out", false),
      ("inference_mode", true),
      ("init_lora_weights", true),
      ("layers_pattern", .null),
      ("layers_to_transform", .null),
      ("lora_alpha", Int(exactly: alpha).map { JSONValue($0) } ?? .number(alpha)),
      ("lora_bias", false),
      ("lora_dropout", 0.0),
      ("modules_to_save", .null),
      ("peft_type", "LORA"),
      ("r", JSONValue(rank)),
      ("rank_pattern", .object([:])),
      ("revision", .null),
      ("target_modules", JSONValue(targets)),
      ("task_type", "CAUSAL_LM"),
      ("use_dora", false),
      ("use_rslora", .bool(settings.usesRsLoRA)),
    ])
  }

  /// A uniform in ±1/√inputs (Kaiming with a = √5, as in PEFT's `reset_lora_parameters`), B zero.
  private static func drawn(_ layers: [LanguageModel.Linear], rank: Int, seed: UInt64) throws -> [UInt8] {
    var tensors: [String: Tensor] = [:]
    for layer in layers {
      let (inputs, outputs) = (layer.weight.columnCount, layer.weight.rowCount)
      let (elements, overflow) = rank.multipliedReportingOverflow(by: max(inputs, outputs))
      guard !overflow, elements <= Int(Int32.max) else {
        throw Failure(.usage, "a rank of \(rank) is more than memory holds", advice: "choose a smaller rank")
      }
      let names = LoRAModule.parameters(layer.name, .linear)
      let stream = RandomStream(seed: seed, "lora_A", layer.name)
      let bound = 1 / Float(inputs).squareRoot()
      let a = (0..<rank * inputs).map { element in
        // A float holds 24 bits.
        (2 * Float(stream.block(UInt64(element)).0 >> 40) / Float(1 << 24) - 1) * bound
      }
      tensors[tensorName(of: names[0])] = Tensor(a, shape: [rank, inputs])
      tensors[tensorName(of: names[1])] = Tensor(
        Array(repeating: 0, count: outputs * rank), shape: [outputs, rank])
    }
    return safetensors(tensors)
  }

  /// The factors of an adapter in float32, as trained.
  private static func file(_ adapter: Adapter) throws -> [UInt8] {
    var tensors: [String: Tensor] = [:]
    for module in adapter.modules.values {
      for (name, tensor) in module.parameters {
        tensors[tensorName(of: name)] = Tensor(try tensor.floats(), shape: tensor.shape)
      }
    }
    return safetensors(tensors)
  }

  private static func dropout(of config: JSONObject, _ file: String) throws -> Double {
    let dropout = config["lora_dropout"]?.doubleValue ?? 0
    guard (0..<1).contains(dropout) else {
      throw Failure(.badData, "its adapter_config.json has a 'lora_dropout' of \(dropout)", file: file)
    }
    return dropout
  }
}

extension Adapter {
  /// The factors of the layers in order, A then B.
  func factors(of modules: [AdaptedModule]) throws -> [[Float]] {
    try modules.flatMap { module -> [[Float]] in
      guard let own = self.modules[module.name] else { preconditionFailure("an adapted layer has factors") }
      return try locating(tensor: module.name) { [try own.a.floats(), try own.b.floats()] }
    }
  }
}
