import Diagnostics
import JSON
import Tensors

/// A merged adapter as it will be written: modules with scaling 1, and a config written from scratch for exactly these.
///
/// Nothing of an input's config survives by accident: alpha equals the rank everywhere, rsLoRA and DoRA are off, and
/// PEFT instantiates the written modules and no others.
public struct MergedAdapter: Sendable {
  public let modules: [Module]
  /// Tensors that replace the base model's, by the names under which PEFT keeps them.
  public let absolutes: [(name: String, tensor: Tensor)]
  /// The ranks that the modules are written with.
  public let ranks: RankLayout
  /// The task of the inputs, if the config omits it because the result lacks the head that PEFT expects for it.
  public let droppedTask: String?
  /// The settings on which the inputs differ, and which the result therefore omits.
  public let disputedSettings: [String]
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
    /// The rank without the zero rows of A and columns of B that were added as padding.
    public let neededRank: Int

    /// - parameter neededRank: Nil if there is no padding.
    public init(
      name: String, kind: LoRAModule.Kind, a: Tensor, b: Tensor, bias: Tensor? = nil, neededRank: Int? = nil
    ) {
      self.name = name
      self.kind = kind
      self.a = a
      self.b = b
      self.bias = bias
      self.neededRank = neededRank ?? a.shape[0]
    }

    public var rank: Int { a.shape[0] }
  }

  /// - parameters:
  ///   - inputs: The configs of the adapters that were merged.
  ///   - baseModel: The base model that the result names.
  ///   - base: Names of parameters that the base model is known to have, for lists that must not match too much.
  ///   - style: The layout of the modules' ranks; nil for one rank if that costs little.
  public init(
    modules: [Module], absolutes: [(name: String, tensor: Tensor)] = [], inputs: [AdapterConfig], baseModel: String?,
    base: [String] = [], style: RankLayout.Style? = nil
  ) {
    let ranks = RankLayout(modules.map(\.extent), style: style)
    self.ranks = ranks
    self.modules =
      modules.map { $0.written(withRank: ranks.rank(of: $0.name) ?? $0.rank) }
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let names = PEFTRules.fileNames(ofReplaced: absolutes.map(\.name), besides: modules.map(\.name))
    self.absolutes = absolutes.map { (names[$0.name] ?? $0.name, $0.tensor) }
    let task = inputs.allSatisfy { $0.taskType == inputs[0].taskType } ? inputs.first?.taskType : nil
    disputedSettings = ["task_type", "auto_mapping"].filter { key in
      Self.common(inputs.map { $0.raw[key] ?? .null }) == nil && !inputs.isEmpty
    }
    let hasHead = PEFTRules.hasHead(ofTask: task, self.absolutes.map(\.name))
    droppedTask = hasHead ? nil : task
    config = Self.config(
      self.modules, ranks, self.absolutes.map(\.name), base, inputs, baseModel, task: hasHead ? task : nil)
  }

  private var hasBias: Bool { modules.contains { $0.bias != nil } }

  /// The tensors of `adapter_model.safetensors` by name.
  public var tensors: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for module in modules {
      // PEFT gives every module a bias or none, so a bias that the inputs lack is zero.
      let zero = [Float](repeating: 0, count: module.b.shape[0])
      let bias = module.bias ?? (hasBias ? Tensor(zero, shape: [zero.count], dtype: module.b.dtype) : nil)
      for parameter in LoRAModule.parameters(module.name, module.kind, a: module.a, b: module.b, bias: bias) {
        tensors[tensorName(of: parameter.name)] = parameter.tensor
      }
    }
    for (name, tensor) in absolutes { tensors[tensorName(of: name)] = tensor }
    return tensors
  }

  /// The text of `adapter_config.json`.
  public var configText: String { JSONValue.object(config).text(indented: true, sorted: true) + "\n" }

  private static func config(
    _ modules: [Module], _ ranks: RankLayout, _ absolutes: [String], _ base: [String], _ inputs: [AdapterConfig],
    _ baseModel: String?, task: String?
  ) -> JSONObject {
    let names = modules.map(\.name)
    let replaced = ReplacementSettings(absolutes, besides: names, base: base, inputs: inputs)
    // Modules that PEFT looks up under one name have one rank.
    let ranksByKey = Dictionary(modules.map { (PEFTRules.key(of: $0.name), $0.rank) }, uniquingKeysWith: max)
    let exceptions = JSONValue.object(
      JSONObject(
        ranksByKey.filter { $0.value != ranks.rank }.sorted { $0.key < $1.key }
          .map { (ModulePattern.naming($0.key), JSONValue($0.value)) }))
    var config: JSONObject = JSONObject([
      ("alpha_pattern", exceptions),
      ("auto_mapping", common(inputs.map { $0.raw["auto_mapping"] ?? .null }) ?? .null),
      ("base_model_name_or_path", JSONValue(baseModel)),
      ("bias", .string(replaced.bias)),
      ("fan_in_fan_out", .bool(inputs.contains { $0.fanInFanOut })),
      ("inference_mode", true),
      ("init_lora_weights", true),
      ("layers_pattern", .null),
      ("layers_to_transform", .null),
      ("lora_alpha", JSONValue(ranks.rank)),
      ("lora_bias", .bool(modules.contains { $0.bias != nil })),
      ("lora_dropout", 0.0),
      ("modules_to_save", replaced.modulesToSave.isEmpty ? .null : JSONValue(replaced.modulesToSave)),
      ("peft_type", "LORA"),
      ("r", JSONValue(ranks.rank)),
      ("rank_pattern", exceptions),
      ("revision", common(inputs.map { JSONValue($0.revision) }) ?? .null),
      ("target_modules", JSONValue(targets(names, absolutes + base, replaced.modulesToSave, inputs))),
      ("task_type", JSONValue(task)),
      ("use_dora", false),
      ("use_rslora", false),
    ])
    // Settings that Clues does not know are kept where all inputs agree on them.
    for (key, value) in inputs.first?.raw.members ?? [] where config[key] == nil && !dropped.contains(key) {
      if inputs.allSatisfy({ $0.raw[key]?.isEquivalent(to: value) == true }) { config[key] = value }
    }
    return config
  }

  /// Settings about an input's training or modules, which do not apply to the result.
  private static let dropped: Set = ["exclude_modules", "peft_version", "target_parameters", "loftq_config"]

  private static func common(_ values: [JSONValue]) -> JSONValue? {
    values.dropFirst().allSatisfy { $0.isEquivalent(to: values[0]) } ? values.first : nil
  }

  /// The shortest list under which PEFT adapts exactly these modules.
  ///
  /// When every input listed endings and nothing else restricted them, the union of the lists adapts the union of the
  /// modules, unless it names one that is replaced and not adapted. Otherwise only full names are safe.
  private static func targets(
    _ modules: [String], _ replaced: [String], _ saved: [String], _ inputs: [AdapterConfig]
  ) -> [String] {
    let keys = Set(modules.map(PEFTRules.key))
    let lists = inputs.map { $0.restrictsTargets ? nil : $0.targetModules }
    let endings = Set(lists.flatMap { $0 ?? [] })
    var others = Set(replaced.map { PEFTRules.split(PEFTRules.plain($0)).module } + modules.map(PEFTRules.plain))
    others.subtract(keys)
    let (named, kept) = (PEFTRules.Targets(endings), saved.map(PEFTRules.SavedEntry.init))
    let isExact =
      !lists.contains { $0 == nil } && keys.allSatisfy(named.name)
      && !others.contains { path in named.name(path) && !kept.contains { $0.keepsLoRA(from: path) } }
    return (isExact ? endings : keys).sorted()
  }
}
