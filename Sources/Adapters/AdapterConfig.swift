import Diagnostics
import JSON
import Tensors

/// The settings in `adapter_config.json` on which a merge depends.
public struct AdapterConfig: Sendable {
  /// The base model that the adapter was trained on, as its owner calls it.
  public let baseModel: String?
  public let revision: String?
  public let taskType: String?

  /// The rank and alpha of modules that no pattern matches.
  public let rank: Int
  public let alpha: Double

  /// Whether the scaling is α/√r instead of α/r.
  public let usesRsLoRA: Bool

  /// Whether the base stores its weights transposed (GPT-2); the factors are not.
  public let fanInFanOut: Bool

  /// Whether `lora_B` has a bias.
  public let hasBias: Bool

  /// The entries of `modules_to_save`.
  public let modulesToSave: [String]

  /// Which biases of the base model were trained: none, all or lora_only.
  public let bias: String

  /// Module names or suffixes, if the config lists them; nil if it has a regular expression.
  public let targetModules: [String]?

  /// Whether something besides `targetModules` decides which modules get an adapter.
  public let restrictsTargets: Bool

  /// The whole file, for settings that are passed through.
  public let raw: JSONObject

  private let rankPatterns: PatternTable
  private let alphaPatterns: PatternTable

  /// Reads the file; refuses, by name, everything whose delta is not s·B·A.
  public init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    let value = try bytes.withUnsafeBytes { try JSONReader(limits).read($0) }
    guard let object = value.objectValue else {
      throw Failure(.badData, "holds \(value.kindName) instead of an object")
    }
    try self.init(object)
  }

  init(_ object: JSONObject) throws {
    let fields = ConfigFields(object)
    try Self.refuseOtherAdapters(fields)
    raw = object
    baseModel = try fields.text("base_model_name_or_path")
    revision = try fields.text("revision")
    taskType = try fields.text("task_type")
    let rank = try fields.number("r") ?? 8
    guard let rank = Int(exactly: rank), rank > 0 else {
      throw Failure(.badData, "'r' is \(rank); a rank must be a positive integer")
    }
    self.rank = rank
    alpha = try fields.number("lora_alpha") ?? 8
    usesRsLoRA = try fields.flag("use_rslora")
    fanInFanOut = try fields.flag("fan_in_fan_out")
    hasBias = try fields.flag("lora_bias")
    rankPatterns = PatternTable(try fields.patterns("rank_pattern"))
    alphaPatterns = PatternTable(try fields.patterns("alpha_pattern"))
    targetModules = try fields.list("target_modules")
    modulesToSave = try fields.list("modules_to_save") ?? []
    bias = try fields.text("bias") ?? "none"
    restrictsTargets = ["layers_to_transform", "layers_pattern", "exclude_modules"].contains { fields.isSet($0) }
  }

  /// The rank that the config gives a module: that of the first pattern in the file that matches.
  public func rank(of module: String) -> Double { rank(of: [module]) }

  /// The rank that the config gives a module that a pattern may call by any of these names.
  func rank(of names: [String]) -> Double { rankPatterns.value(of: names.map(PEFTRules.key)) ?? Double(rank) }

  /// The alpha that the config gives a module.
  public func alpha(of module: String) -> Double { alpha(of: [module]) }

  /// The alpha that the config gives a module that a pattern may call by any of these names.
  func alpha(of names: [String]) -> Double { alphaPatterns.value(of: names.map(PEFTRules.key)) ?? alpha }

  /// The patterns that match none of `modules`: probably mistakes.
  public func idlePatterns(among modules: [String]) -> [String] {
    rankPatterns.idle(among: modules) + alphaPatterns.idle(among: modules)
  }

  /// A note if the file has no tensor of a module in `modules_to_save`: its trained values may be lost.
  ///
  /// PEFT itself lists several heads, of which a model has one.
  func notesOnSavedModules(_ tensors: some Sequence<String>) -> [String] {
    let tensors = Array(tensors)
    let heads = PEFTRules.hasHead(ofTask: taskType, tensors) ? PEFTRules.heads(ofTask: taskType).map(\.text) : []
    let missing = modulesToSave.map(PEFTRules.SavedEntry.init).filter { entry in
      !heads.contains(entry.text) && !tensors.contains(where: entry.holds)
    }
    guard !missing.isEmpty else { return [] }
    let names = missing.map { "'\($0.text)'" }.joined(separator: ", ")
    return [
      "modules_to_save names \(names), but the file has no tensor of it: if it was trained, save the adapter again"
    ]
  }

  /// Refuses patterns that would take too long to match against these modules.
  func checkPatterns(against modules: [String], limits: Limits) throws {
    for (key, table) in [("rank_pattern", rankPatterns), ("alpha_pattern", alphaPatterns)] {
      let steps = table.steps(for: modules)
      guard steps <= limits[.patternSteps] else {
        throw Failure(
          beyond: .patternSteps,
          "matching '\(key)' against \(modules.count) modules takes \(steps) steps, more than the limit of "
            + "\(limits[.patternSteps])")
      }
    }
  }

  /// The scaling s of a module's delta s·B·A, for its rank.
  func scaling(of names: [String], rank: Int) -> Double {
    alpha(of: names) / (usesRsLoRA ? Double(rank).squareRoot() : Double(rank))
  }

  private static func refuseOtherAdapters(_ fields: ConfigFields) throws {
    func refuse(_ what: String, _ advice: String) -> Failure { Failure(.badData, what, advice: advice) }
    let type = try fields.text("peft_type")
    guard type == "LORA" else {
      throw refuse(
        type.map { "is an adapter of type \($0), not LORA" } ?? "names no peft_type",
        "only LoRA adapters, with a delta s·B·A, can be merged")
    }
    if try fields.flag("use_dora") {
      throw refuse(
        "is a DoRA adapter, whose delta depends on the base weights",
        "merge it into its base model with PEFT and extract a plain LoRA")
    }
    for (key, name) in [
      ("kasa_config", "a KaSA"), ("monteclora_config", "a MonteCLoRA"), ("velora_config", "a VeLoRA"),
      ("arrow_config", "an Arrow"), ("alora_invocation_tokens", "an aLoRA"),
    ] where fields.isSet(key) {
      throw refuse("is \(name) adapter ('\(key)' is set), whose effect is not s·B·A", "train a plain LoRA adapter")
    }
    for (key, name) in [("use_qalora", "a QALoRA"), ("use_bdlora", "a BD-LoRA")] where fields.isSet(key) {
      throw refuse("is \(name) adapter, whose factors have a different shape", "train a plain LoRA adapter")
    }
    if case .string(let start)? = fields["init_lora_weights"] {
      let changesBase = ["pissa", "olora", "corda", "lora_ga", "loftq"].first { start.hasPrefix($0) }
      if let changesBase {
        throw refuse(
          "was initialized with \(changesBase), so its delta is relative to a changed base model",
          "convert it with PEFT's path_initial_model_for_weight_conversion when saving")
      }
      guard ["gaussian", "eva", "orthogonal", "mica", "true", "false"].contains(start) else {
        throw refuse(
          "was initialized with '\(start)', which Clues does not know",
          "if its delta is plain s·B·A relative to the base model, set init_lora_weights to true in its config")
      }
    }
    if fields.isSet("target_parameters") {
      throw refuse(
        "adapts expert parameters ('target_parameters' is set), whose factors are stored per expert",
        "adapt the experts' linear layers as modules instead")
    }
    for key in ["trainable_token_indices", "layer_replication"] where fields.isSet(key) {
      throw refuse("sets '\(key)', which a merge cannot keep", "train without it")
    }
  }
}

/// The members of a config, read with their expected types.
private struct ConfigFields {
  private let object: JSONObject

  init(_ object: JSONObject) { self.object = object }

  subscript(key: String) -> JSONValue? { object[key].flatMap { $0.isNull ? nil : $0 } }

  /// Whether the value is anything but null, false or an empty list; an empty object is a variant with its defaults.
  func isSet(_ key: String) -> Bool {
    switch self[key] {
    case nil, .bool(false)?: false
    case .array(let elements)?: !elements.isEmpty
    default: true
    }
  }

  func text(_ key: String) throws -> String? {
    guard let value = self[key] else { return nil }
    guard let text = value.stringValue else { throw wrong(key, value, "a string") }
    return text
  }

  func flag(_ key: String) throws -> Bool {
    guard let value = self[key] else { return false }
    guard let flag = value.boolValue else { throw wrong(key, value, "true or false") }
    return flag
  }

  func number(_ key: String) throws -> Double? {
    guard let value = self[key] else { return nil }
    guard let number = value.doubleValue else { throw wrong(key, value, "a number") }
    return number
  }

  func list(_ key: String) throws -> [String]? {
    switch self[key] {
    case nil, .string?: return nil
    case .array(let elements)?:
      return try elements.map { element in
        guard let text = element.stringValue else { throw wrong(key, element, "a list of strings") }
        return text
      }
    case let value?: throw wrong(key, value, "a list of strings")
    }
  }

  func patterns(_ key: String) throws -> [(pattern: ModulePattern, value: Double)] {
    guard let value = self[key] else { return [] }
    guard let members = value.objectValue?.members else { throw wrong(key, value, "an object") }
    return try members.map { member in
      guard let number = member.value.doubleValue else { throw wrong("\(key).\(member.key)", member.value, "a number") }
      return (try ModulePattern(member.key), number)
    }
  }

  private func wrong(_ key: String, _ value: JSONValue, _ due: String) -> Failure {
    Failure(.badData, "'\(key)' is \(value.kindName) instead of \(due)")
  }
}
