import Diagnostics
import JSON
import Tensors

/// A merged adapter as it will be written: modules with scaling 1, and a config made from scratch for exactly these.
///
/// Nothing of an input's config survives by accident: alpha equals the rank everywhere, rsLoRA and DoRA are off, and
/// PEFT instantiates the written modules and no others.
public struct MergedAdapter: Sendable {
  public let modules: [Module]
  public let absolutes: [(name: String, tensor: Tensor)]
  public let config: JSONObject

  /// One module of the result: ΔW = B·A.
  public struct Module: Sendable {
    public let name: String
    public let kind: LoRAModule.Kind
    /// [R, in…] in the type it is written in.
    public let a: Tensor
    /// [out, R…]
    public let b: Tensor
    /// [out]; added to the layer's output.
    public let bias: Tensor?

    public init(name: String, kind: LoRAModule.Kind, a: Tensor, b: Tensor, bias: Tensor? = nil) {
      self.name = name
      self.kind = kind
      self.a = a
      self.b = b
      self.bias = bias
    }

    public var rank: Int { a.shape[0] }
  }

  /// - parameters:
  ///   - inputs: The configs of the adapters that were merged.
  ///   - baseModel: The base model that the result names.
  public init(
    modules: [Module], absolutes: [(name: String, tensor: Tensor)] = [], inputs: [AdapterConfig], baseModel: String?
  ) {
    self.modules = modules.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    self.absolutes = absolutes
    config = Self.config(self.modules, absolutes.map(\.name), inputs, baseModel)
  }

  private var hasBias: Bool { modules.contains { $0.bias != nil } }

  /// The tensors of `adapter_model.safetensors` by name.
  public var tensors: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for module in modules {
      // PEFT gives every module a bias or none, so where the inputs have none it is zero.
      let zero = [Float](repeating: 0, count: module.b.shape[0])
      let bias = module.bias ?? (hasBias ? Tensor(zero, shape: [zero.count], dtype: module.b.dtype) : nil)
      for parameter in LoRAModule.parameters(module.name, module.kind, a: module.a, b: module.b, bias: bias) {
        tensors[tensorName(of: parameter.name)] = parameter.tensor
      }
    }
    for (name, tensor) in absolutesInFile { tensors[name] = tensor }
    return tensors
  }

  /// The tensors of ``absolutes`` by the names under which PEFT looks for them.
  public var absolutesInFile: [(name: String, tensor: Tensor)] {
    let modules = Set(modules.map(\.name))
    return absolutes.map { (tensorName(of: $0.name, beside: modules), $0.tensor) }
  }

  /// The text of `adapter_config.json`.
  public var configText: String { JSONValue.object(config).text(indented: true, sorted: true) + "\n" }

  private static func config(
    _ modules: [Module], _ absolutes: [String], _ inputs: [AdapterConfig], _ baseModel: String?
  ) -> JSONObject {
    // The commonest rank is the default, so that the pattern names only exceptions; of equals the smaller one.
    let counts = Dictionary(grouping: modules, by: \.rank).mapValues(\.count)
    let rank = counts.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key ?? 8
    let exceptions = JSONValue.object(
      JSONObject(
        modules.filter { $0.rank != rank }.map { (ModulePattern.naming($0.name), JSONValue($0.rank)) }))
    var config: JSONObject = JSONObject([
      ("alpha_pattern", exceptions),
      ("auto_mapping", .null),
      ("base_model_name_or_path", JSONValue(baseModel)),
      ("bias", "none"),
      ("fan_in_fan_out", .bool(inputs.contains { $0.fanInFanOut })),
      ("inference_mode", true),
      ("init_lora_weights", true),
      ("layers_pattern", .null),
      ("layers_to_transform", .null),
      ("lora_alpha", JSONValue(rank)),
      ("lora_bias", .bool(modules.contains { $0.bias != nil })),
      ("lora_dropout", 0.0),
      ("modules_to_save", modulesToSave(absolutes, inputs)),
      ("peft_type", "LORA"),
      ("r", JSONValue(rank)),
      ("rank_pattern", exceptions),
      ("revision", common(inputs.map { JSONValue($0.revision) }) ?? .null),
      ("target_modules", JSONValue(targets(modules.map(\.name), inputs))),
      ("task_type", common(inputs.map { JSONValue($0.taskType) }) ?? .null),
      ("use_dora", false),
      ("use_rslora", false),
    ])
    // Settings that Clues does not know are kept where all inputs agree on them.
    for (key, value) in inputs.first?.raw.members ?? [] where config[key] == nil && !dropped.contains(key) {
      if inputs.allSatisfy({ $0.raw[key] == value }) { config[key] = value }
    }
    return config
  }

  /// Settings that described how an input was trained or which of its modules it had; they say nothing of the result.
  private static let dropped: Set = ["exclude_modules", "peft_version", "target_parameters", "loftq_config"]

  private static func common(_ values: [JSONValue]) -> JSONValue? {
    values.dropFirst().allSatisfy { $0 == values[0] } ? values.first : nil
  }

  /// The shortest list under which PEFT adapts exactly these modules.
  ///
  /// When every input listed endings and nothing else restricted them, the union of the lists adapts the union of the
  /// modules. Otherwise only full names are safe.
  private static func targets(_ modules: [String], _ inputs: [AdapterConfig]) -> [String] {
    let lists = inputs.map { $0.restrictsTargets ? nil : $0.targetModules }
    let endings = Set(lists.flatMap { $0 ?? [] })
    let isExact =
      !lists.contains { $0 == nil }
      && modules.allSatisfy { module in endings.contains { module == $0 || module.hasSuffix("." + $0) } }
    return (isExact ? Array(endings) : modules).sorted()
  }

  private static func modulesToSave(_ absolutes: [String], _ inputs: [AdapterConfig]) -> JSONValue {
    let saved = inputs.flatMap { $0.raw["modules_to_save"]?.arrayValue?.compactMap(\.stringValue) ?? [] }
    let kept = Set(saved).filter { name in absolutes.contains { $0.split(separator: ".").contains(Substring(name)) } }
    return kept.isEmpty ? .null : JSONValue(kept.sorted())
  }
}
