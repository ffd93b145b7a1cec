/// PEFT's rules for which adapters can exist and how it reads them, in one place.
///
/// Source: PEFT 0.21.2, in the functions that each rule names. Results are written so that these rules read them as
/// intended, and the tests compare the rules with PEFT's own functions.
public enum PEFTRules {
  /// The path under which PEFT looks up a module's rank and alpha and decides whether it is a target.
  ///
  /// `nn.MultiheadAttention` is one module to PEFT: its `out_proj` is adapted along with it, with its rank, and never by
  /// itself (`tuners/lora/layer.py`, `MultiheadAttention`).
  public static func key(of module: String) -> String {
    let ending = ".base_layer.out_proj"
    return ends(module, in: ending) ? String(module.dropLast(ending.count)) : module
  }

  /// `target_modules` as a list: an entry names a path, whole or by its ending behind a point
  /// (`tuners/tuners_utils.py`, `check_target_module_exists`).
  public struct Targets: Sendable {
    private let entries: Set<String>

    public init(_ entries: some Sequence<String>) { self.entries = Set(entries) }

    /// Whether an entry names the path.
    public func name(_ path: String) -> Bool {
      entries.contains(path)
        || path.utf8.indices.contains { index in
          path.utf8[index] == UInt8(ascii: ".") && entries.contains(String(path[path.utf8.index(after: index)...]))
        }
    }
  }

  /// An entry of `modules_to_save`.
  public struct SavedEntry: Sendable {
    public let text: String
    private let pattern: PatternTable?

    public init(_ text: String) {
      self.text = text
      pattern = (try? ModulePattern(text)).map { PatternTable([($0, 0)]) }
    }

    /// Whether PEFT replaces the module at a path: the path ends in the entry, with or without a point before
    /// (`utils/other.py`, `_set_trainable`).
    ///
    /// PEFT expects every parameter of such a module in the file and fails if one is missing.
    public func saves(_ path: String) -> Bool { !text.isEmpty && PEFTRules.ends(path, in: text) }

    /// Whether PEFT excludes a path from LoRA: the entry is a regular expression for the path or for one above it
    /// (`tuners/tuners_utils.py`, `check_target_module_exists`). An invalid expression, on which PEFT fails, excludes
    /// everything.
    public func keepsLoRA(from path: String) -> Bool {
      guard let pattern else { return true }
      return PEFTRules.paths(downTo: path).contains { pattern.value(of: $0) != nil }
    }

    /// Whether the entry replaces a module to which the parameter belongs.
    func holds(_ parameter: String) -> Bool {
      PEFTRules.paths(downTo: PEFTRules.split(parameter).module).contains(where: saves)
    }

    /// Whether the entry replaces an adapted module, or one around it, or excludes it from LoRA.
    func concerns(_ module: String) -> Bool {
      let key = PEFTRules.key(of: module)
      return keepsLoRA(from: key) || PEFTRules.paths(downTo: key).contains(where: saves)
    }
  }

  /// Modules of mixture-of-experts layers to which PEFT gives the rank `r` and no other: experts and their routers.
  ///
  /// Since transformers 5 the experts of a layer are one parameter. An adapter that names them one by one is converted
  /// (`utils/transformers_weight_conversion.py`, `_convert_peft_config_moe`): their factors are stacked, so that ranks must
  /// be equal, and the new parameter's name matches no pattern that names an expert.
  public static func experts(among modules: [String]) -> Set<String> {
    var experts: Set<String> = []
    var routers: Set<String> = []
    for module in modules {
      let parts = module.split(separator: ".", omittingEmptySubsequences: false)
      let index = parts.indices.first { index in
        parts[index] == "experts" && index + 2 < parts.count && parts[index + 1].allSatisfy(\.isNumber)
          && !parts[index + 1].isEmpty
      }
      guard let index else { continue }
      experts.insert(module)
      routers.insert((parts[..<index] + ["gate"]).joined(separator: "."))
    }
    return experts.union(routers.intersection(modules))
  }

  /// The heads that PEFT replaces for a task, listed in `modules_to_save` or not (`peft_model.py`,
  /// `PeftModelForSequenceClassification` and the like); without one of them in the file, PEFT does not load it.
  static func heads(ofTask task: String?) -> [SavedEntry] {
    switch task {
    case "SEQ_CLS", "TOKEN_CLS": [SavedEntry("classifier"), SavedEntry("score")]
    case "QUESTION_ANS": [SavedEntry("qa_outputs")]
    default: []
    }
  }

  /// Whether a file with these tensors has the head that PEFT expects for a task.
  static func hasHead(ofTask task: String?, _ tensors: [String]) -> Bool {
    let heads = heads(ofTask: task)
    return heads.isEmpty || tensors.contains { tensor in heads.contains { $0.holds(tensor) } }
  }

  /// The names under which PEFT keeps tensors that replace the base model's: what belongs to an adapted layer, or lies
  /// below one, lies in its `base_layer` (`tuners/tuners_utils.py`, `_get_learnable_bias_state_dict`).
  ///
  /// - returns: For each of `tensors` its name in the file, without PEFT's prefix.
  public static func fileNames(ofReplaced tensors: [String], besides modules: [String]) -> [String: String] {
    let layers = Dictionary(modules.map { (plain($0), $0) }, uniquingKeysWith: { first, _ in first })
    return Dictionary(
      tensors.map { ($0, fileName(of: plain($0), besides: layers)) }, uniquingKeysWith: { first, _ in first })
  }

  /// - parameter layers: The adapted modules by their plain paths.
  private static func fileName(of parameter: String, besides layers: [String: String]) -> String {
    var (path, name) = ("", "")
    let parts = parameter.split(separator: ".", omittingEmptySubsequences: false)
    for part in parts.dropLast() {
      path += part
      name = layers[path].map { "\($0).base_layer." } ?? "\(name)\(part)."
      path += "."
    }
    return name + (parts.last ?? "")
  }

  /// A path without the wrapping of adapted layers.
  static func plain(_ path: String) -> String {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.contains(ParameterName.baseLayer) else { return path }
    return ParameterName.joined(parts.filter { $0 != ParameterName.baseLayer }[...])
  }

  /// A parameter's module and its name there.
  static func split(_ parameter: String) -> (module: String, leaf: String) {
    guard let point = parameter.lastIndex(of: ".") else { return ("", parameter) }
    return (String(parameter[..<point]), String(parameter[parameter.index(after: point)...]))
  }

  /// Whether a parameter is a bias, which may be trained beside a layer's factors (`tuners/tuners_utils.py`,
  /// `_get_learnable_bias_state_dict`). Earlier versions of PEFT saved the `in_proj_bias` of `nn.MultiheadAttention`, too.
  static func isBias(_ parameter: String) -> Bool { split(parameter).leaf.hasSuffix("bias") }

  /// An entry of `modules_to_save` that PEFT cannot have beside the adapted modules, with one of these.
  ///
  /// - parameters: As those of ``MergedAdapter``.
  public static func clash(
    ofReplaced tensors: [String], with modules: [String], base: [String], inputs: [AdapterConfig]
  ) -> (tensor: String, module: String)? {
    let names = fileNames(ofReplaced: tensors, besides: modules)
    let replaced = ReplacementSettings(Array(names.values), besides: modules, base: base, inputs: inputs)
    for entry in replaced.modulesToSave.map(SavedEntry.init) {
      guard let module = modules.sorted().first(where: entry.concerns),
        let tensor = tensors.sorted().first(where: { entry.holds(names[$0] ?? $0) })
      else { continue }
      return (tensor, module)
    }
    return nil
  }

  /// The path and all paths above it, from the top down.
  static func paths(downTo path: String) -> [String] {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false)
    return parts.indices.map { parts[...$0].joined(separator: ".") }
  }

  /// Whether a text ends this way, scalar by scalar, as Python compares.
  fileprivate static func ends(_ text: String, in ending: String) -> Bool {
    text.utf8.count >= ending.utf8.count && text.utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8)
  }
}
