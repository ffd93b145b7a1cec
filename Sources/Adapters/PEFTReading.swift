import Tensors

/// How PEFT reads a written config and file, by ``PEFTRules``.
public struct PEFTReading {
  private let config: AdapterConfig
  /// The file's tensors, without PEFT's prefix.
  private let tensors: [String: Tensor]
  private let unprefixedNames: [String]
  private let saved: [PEFTRules.SavedEntry]
  private let factors: [String: [String: Tensor]]

  /// - parameter tensors: The tensors of the file by their names there.
  public init(_ config: AdapterConfig, _ tensors: [String: Tensor]) {
    self.config = config
    saved = config.modulesToSave.map(PEFTRules.SavedEntry.init)
    let prefix = tensorName(of: "")
    unprefixedNames = tensors.keys.filter { !$0.hasPrefix(prefix) }.sorted()
    self.tensors = Dictionary(
      tensors.map { (String($0.key.dropFirst(prefix.count)), $0.value) }, uniquingKeysWith: { first, _ in first })
    var factors: [String: [String: Tensor]] = [:]
    for (name, tensor) in self.tensors {
      guard let ending = Self.endings.first(where: name.hasSuffix) else { continue }
      factors[String(name.dropLast(ending.count)), default: [:]][ending] = tensor
    }
    self.factors = factors
  }

  private static let endings = [
    ".lora_A.weight", ".lora_B.weight", ".lora_B.bias", ".lora_embedding_A", ".lora_embedding_B",
  ]

  /// The first thing that PEFT would misread; nil if it reads everything as intended: every module with scaling 1, and
  /// every other tensor in its place.
  public var misreading: String? {
    if let unprefixed = unprefixedNames.first { return "it does not look for the tensor '\(unprefixed)'" }
    return misreadModule ?? misreadTarget ?? misreadReplacement
  }

  /// Ranks, scalings and biases of the adapted modules.
  private var misreadModule: String? {
    let hasBias = config.hasBias
    let experts = PEFTRules.experts(among: Array(factors.keys))
    for (module, parts) in factors.sorted(by: { $0.key < $1.key }) {
      let isEmbedding = parts[".lora_embedding_A"] != nil
      guard let a = parts[isEmbedding ? ".lora_embedding_A" : ".lora_A.weight"],
        let b = parts[isEmbedding ? ".lora_embedding_B" : ".lora_B.weight"], a.shape.count > 1, b.shape.count > 1
      else { return "the module '\(module)' has no pair of factors" }
      let rank = experts.contains(module) ? Double(config.rank) : config.rank(of: module)
      guard rank == Double(a.shape[0]), a.shape[0] == b.shape[1] else {
        return "it gives the module '\(module)' the rank \(rank.formatted), and its factors have \(a.shape[0])"
      }
      let alpha = experts.contains(module) ? config.alpha : config.alpha(of: module)
      guard alpha == rank, !config.usesRsLoRA else {
        return "it scales the module '\(module)', which should be left unscaled"
      }
      if isEmbedding, hasBias { return "it has no lora_bias for the embedding '\(module)'" }
      guard (parts[".lora_B.bias"] != nil) == hasBias else {
        return "lora_bias is \(hasBias), and the module '\(module)' \(hasBias ? "lacks a bias" : "has one")"
      }
    }
    return nil
  }

  /// Whether exactly the modules of the file are targets.
  private var misreadTarget: String? {
    guard let targets = config.targetModules, !config.restrictsTargets else { return "target_modules is not a list" }
    let keys = Set(factors.keys.map(PEFTRules.key))
    let list = PEFTRules.Targets(targets)
    func isTarget(_ path: String) -> Bool { list.name(path) && !saved.contains { $0.keepsLoRA(from: path) } }
    if let missed = keys.sorted().first(where: { !isTarget($0) }) { return "it does not adapt the module '\(missed)'" }
    let others = replaced.flatMap { PEFTRules.paths(downTo: PEFTRules.split(PEFTRules.plain($0)).module) }
    return Set(others).subtracting(keys).sorted().first(where: isTarget).map {
      "it adapts '\($0)', for which the file has no factors"
    }
  }

  /// The tensors that replace the base model's.
  private var replaced: [String] {
    tensors.keys.filter { name in !Self.endings.contains(where: name.hasSuffix) }.sorted()
  }

  /// Whether every other tensor has its place.
  private var misreadReplacement: String? {
    let names = PEFTRules.fileNames(ofReplaced: replaced, besides: Array(factors.keys))
    let adapted = Set(factors.keys.map(PEFTRules.plain))
    for entry in saved {
      if let module = factors.keys.sorted().first(where: entry.concerns) {
        return "modules_to_save has '\(entry.text)', which affects the adapted module '\(module)'"
      }
      guard replaced.contains(where: entry.holds) else {
        return "modules_to_save has '\(entry.text)', for which the file has nothing"
      }
    }
    guard PEFTRules.hasHead(ofTask: config.taskType, replaced) else {
      return "task_type is '\(config.taskType ?? "")', but the file has no head for it"
    }
    for name in replaced {
      guard names[name] == name else { return "it looks for the tensor '\(name)' as '\(names[name] ?? "")'" }
      guard PEFTRules.isBias(name), !saved.contains(where: { $0.holds(name) }) else {
        continue
      }
      let isAdapted = adapted.contains(PEFTRules.split(PEFTRules.plain(name)).module)
      guard config.bias == "all" || (config.bias == "lora_only" && isAdapted) else {
        return "bias is '\(config.bias)', and the file has '\(name)'"
      }
    }
    return nil
  }
}
