import Diagnostics
import Tensors

/// A LoRA adapter in PEFT's format: its config and its modules, whose elements stay in the file.
public struct Adapter: Sendable {
  public let config: AdapterConfig

  /// The adapted modules by name.
  public let modules: [String: LoRAModule]

  /// Tensors that replace the base model's own, by their parameters' paths in the base model (``parameterName(of:)``):
  /// `modules_to_save`, biases, resized embeddings.
  public let absolutes: [String: Tensor]

  /// Remarks on the adapter, none of them an error.
  public let notes: [String]

  /// The number of LoRA parameters.
  public var parameterCount: Int { modules.values.reduce(0) { $0 + $1.a.count + $1.b.count } }

  /// The dtypes of the factors.
  public var dtypes: Set<DType> { Set(modules.values.flatMap { [$0.a.dtype, $0.b.dtype] }) }

  /// Reads an adapter from the bytes of its two files.
  ///
  /// - parameters:
  ///   - configFile: The name of the config in messages.
  ///   - weightsFile: The name of the weights in messages.
  /// - throws: ``Failure`` `badData` for invalid files and adapters that cannot be merged correctly.
  public init(
    config: Bytes, configFile: String, weights: Bytes, weightsFile: String, limits: Limits = Limits()
  ) throws {
    let config = try locating(file: configFile) { try AdapterConfig(config, limits: limits) }
    let file = try locating(file: weightsFile) { try SafetensorsFile(weights, limits: limits) }
    try self.init(config: config, configFile: configFile, file: file, weightsFile: weightsFile, limits)
  }

  private init(
    config: AdapterConfig, configFile: String, file: SafetensorsFile, weightsFile: String, _ limits: Limits
  ) throws {
    let gathered = try locating(file: weightsFile) { try GatheredTensors(file) }
    let parts = gathered.modules
    try locating(file: configFile) { try config.checkPatterns(against: parts.flatMap(\.value.names), limits: limits) }
    self.config = config
    absolutes = gathered.absolutes
    modules = try locating(file: weightsFile) {
      // In order, so that the same one of several faults is reported each time.
      let modules = try parts.sorted { $0.key < $1.key }.map { ($0, try LoRAModule($0, $1, config)) }
      return Dictionary(uniqueKeysWithValues: modules)
    }
    notes =
      gathered.notes + config.notesOnSavedModules(gathered.absolutes.keys)
      + config.idlePatterns(among: parts.flatMap(\.value.names)).map { "the pattern '\($0)' matches no module" }
  }
}

/// One adapted layer: ΔW = s·B·A.
public struct LoRAModule: Sendable {
  /// The layer's path in the base model, such as `model.layers.3.self_attn.q_proj`.
  public let name: String
  public let kind: Kind

  /// [r, in], for convolutions [r, in, k…].
  public let a: Tensor

  /// [out, r], for convolutions [out, r, 1…].
  public let b: Tensor

  /// Adds s·bias to the layer's output; [out].
  public let bias: Tensor?

  public let rank: Int
  public let alpha: Double

  /// The factor s of the delta.
  public let scaling: Double

  public enum Kind: String, Sendable {
    case linear
    /// Named `lora_embedding_…`; its delta is (s·B·A)ᵀ, which changes nothing for a merge.
    case embedding
    case convolution
  }

  /// The trained parameters by their names in the file, after PEFT's prefix: A, B and the bias, if there is one.
  public var parameters: [(name: String, tensor: Tensor)] {
    Self.parameters(name, kind, a: a, b: b, bias: bias)
  }

  static func parameters(
    _ module: String, _ kind: Kind, a: Tensor, b: Tensor, bias: Tensor?
  ) -> [(name: String, tensor: Tensor)] {
    let names = parameters(module, kind)
    let factors = [(names[0], a), (names[1], b)]
    return factors + (bias.map { [("\(module).lora_B.bias", $0)] } ?? [])
  }

  /// The names of A and B of a module, after PEFT's prefix.
  public static func parameters(_ module: String, _ kind: Kind) -> [String] {
    let (start, end) = kind == .embedding ? ("lora_embedding_", "") : ("lora_", ".weight")
    return ["\(module).\(start)A\(end)", "\(module).\(start)B\(end)"]
  }

  /// Rows of the delta as s·B·A.
  public var outputs: Int { b.shape[0] }

  /// Columns of the delta, with the kernel of a convolution flattened.
  public var inputs: Int { a.shape.dropFirst().reduce(1, *) }

  init(_ name: String, _ parts: GatheredTensors.Parts, _ config: AdapterConfig) throws {
    func refusal(_ message: String, _ advice: String? = nil) -> Failure {
      Failure(.badData, message, advice: advice, tensor: name)
    }
    guard ModulePattern.canName(name) else {
      throw refusal("has a name of \(name.utf8.count) bytes, longer than that of any layer", "save the adapter again")
    }
    guard let a = parts.tensors[.a] else {
      throw refusal("has lora_B but no lora_A", "the file is incomplete: save it again")
    }
    guard let b = parts.tensors[.b] else {
      throw refusal("has lora_A but no lora_B", "the file is incomplete: save it again")
    }
    for tensor in [a, b] + [parts.tensors[.bias]].compactMap({ $0 }) where !tensor.dtype.isAdapterFloat {
      throw refusal(
        "is stored as \(tensor.dtype.torchName), a type that adapters cannot be merged in",
        "convert it to float32, float16 or bfloat16 first")
    }
    guard a.shape.count >= 2, b.shape.count == a.shape.count, b.shape.dropFirst(2).allSatisfy({ $0 == 1 }) else {
      throw refusal("has factors of shapes \(a.shape) and \(b.shape), which cannot be a pair of LoRA factors")
    }
    guard a.shape[0] == b.shape[1] else {
      throw refusal(
        "has \(a.shape[0]) rows in lora_A but \(b.shape[1]) columns in lora_B",
        "this happens with grouped convolutions and damaged files; neither can be merged")
    }
    guard a.count > 0, b.count > 0 else { throw refusal("has empty factors of shapes \(a.shape) and \(b.shape)") }
    let rank = a.shape[0]
    let claimed = config.rank(of: parts.names)
    guard Double(rank) == claimed else {
      throw refusal(
        "has rank \(rank), but \(PEFTFile.config) says \(claimed.formatted)",
        "correct r or rank_pattern in \(PEFTFile.config); the scaling depends on it")
    }
    self.name = name
    self.kind = parts.isEmbedding ? .embedding : a.shape.count > 2 ? .convolution : .linear
    self.a = a
    self.b = b
    self.rank = rank
    bias = parts.tensors[.bias]
    alpha = config.alpha(of: parts.names)
    scaling = config.scaling(of: parts.names, rank: rank)
    guard scaling.isFinite, scaling != 0 else { throw refusal("has the scaling \(scaling), which is not possible") }
  }
}

extension Double {
  /// Without a decimal point if it is an integer.
  var formatted: String { Int(exactly: self).map { String($0) } ?? String(self) }
}
