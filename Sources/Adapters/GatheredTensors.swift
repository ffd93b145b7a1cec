import Diagnostics
import Tensors

/// The tensors of an adapter's file by role, under their normalized names.
struct GatheredTensors {
  private(set) var modules: [String: Parts] = [:]
  private(set) var absolutes: [String: Tensor] = [:]
  private(set) var notes: [String] = []
  /// The tensors' original names, by role.
  private var names: [TensorKey: String] = [:]

  /// The tensors of one module.
  struct Parts {
    let isEmbedding: Bool
    /// The names by which a pattern in the config may call the module: the normalized one, and the one in the file if different.
    fileprivate(set) var names: [String]
    fileprivate(set) var tensors: [TensorKey.Part: Tensor] = [:]
  }

  /// - throws: ``Failure`` `badData` if two tensors are the same parameter, or if a layer has two roles.
  init(_ file: SafetensorsFile) throws {
    let parameters = file.names.map(ParameterName.init)
    if let pair = twoSpellings(among: parameters.map(\.text), dividedBy: ".") {
      throw Failure(twoSpellingsOf: "a layer", pair.first, pair.second)
    }
    let others = parameters.contains(where: \.isSaved) ? Set(parameters.filter { !$0.isSaved }) : []
    var leftovers: (pieces: Set<String>, example: (spelled: String, name: String)?) = ([], nil)
    for (name, asSpelled) in zip(file.names, parameters) {
      guard let tensor = file.tensors[name] else { continue }
      var parameter = asSpelled
      if parameter.isSaved {
        // Earlier versions of PEFT left the adapter's name out also where they kept `modules_to_save`, before a layer of the
        // saved module, and wrote the same bias without either.
        let withoutAdapter = ParameterName(
          ParameterName.joined(parameter.spelled.filter { $0 != ParameterName.modulesToSave }[...]))
        if others.contains(withoutAdapter) { parameter = withoutAdapter }
      }
      try add(tensor, TensorKey(parameter, of: name), parameter, name)
      guard !parameter.leftovers.isEmpty else { continue }
      leftovers.pieces.formUnion(parameter.leftovers)
      leftovers.example = leftovers.example ?? (name, tensorName(of: parameter.text))
    }
    guard !modules.isEmpty else {
      throw Failure(
        .badData, "holds no LoRA parameters", advice: "an adapter needs tensors named …lora_A.weight and …lora_B.weight"
      )
    }
    if let (spelled, name) = leftovers.example {
      let pieces = leftovers.pieces.sorted().prefix(4).map { "'\($0)'" }.joined(separator: ", ")
      notes.append("the tensors' names contain what wrappers added (\(pieces)): '\(spelled)' is read as '\(name)'")
    }
    try checkOriginals()
    try checkRoles()
  }

  private mutating func add(_ tensor: Tensor, _ key: TensorKey, _ parameter: ParameterName, _ name: String) throws {
    if let other = names.updateValue(name, forKey: key) {
      guard case .absolute(let absolute) = key, let first = absolutes[absolute],
        Self.isCopiedBias(tensor, name, of: first, other)
      else { throw Self.doubled(name, other) }
      return
    }
    switch key {
    case .original: break
    case .absolute(let absolute): absolutes[absolute] = tensor
    case .factor(let module, let part, let isEmbedding):
      var parts = modules[module] ?? Parts(isEmbedding: isEmbedding, names: [module])
      // As an embedding and as another layer a module would have two pairs of factors.
      guard parts.isEmbedding == isEmbedding else {
        throw Self.doubled(
          name, names.filter { $0.key.module == module && $0.value != name }.map(\.value).min() ?? module)
      }
      parts.tensors[part] = tensor
      if let spelled = parameter.spelledModule, !parts.names.contains(spelled) { parts.names.append(spelled) }
      modules[module] = parts
    }
  }

  /// Whether a tensor is the copy of a bias that PEFT itself writes, under two names, for `bias: all` with
  /// `modules_to_save`.
  private static func isCopiedBias(_ tensor: Tensor, _ name: String, of other: Tensor, _ otherName: String) -> Bool {
    name.hasSuffix(".bias") && isSaved(name) != isSaved(otherName) && tensor.dtype == other.dtype
      && tensor.shape == other.shape
      && tensor.bytes.withUnsafeBytes { a in other.bytes.withUnsafeBytes { b in a.elementsEqual(b) } }
  }

  private static func isSaved(_ name: String) -> Bool {
    name.split(separator: ".").contains(ParameterName.modulesToSave)
  }

  private static func doubled(_ name: String, _ other: String) -> Failure {
    Failure(
      .badData, "is the same parameter as '\(other)'",
      advice: "the file has two adapters or two spellings of one: save it again with PEFT's save_pretrained",
      tensor: name)
  }

  /// Skips the base model's own copies of saved modules, whose trained tensors must be there too.
  private mutating func checkOriginals() throws {
    let originals = names.compactMap { key, name in
      if case .original(let parameter) = key { (parameter: parameter, name: name) } else { nil }
    }.sorted { $0.name < $1.name }
    if let lonely = originals.first(where: { absolutes[$0.parameter] == nil }) {
      throw Failure(
        .badData, "is the base model's own copy of a saved module, but the trained tensor is not in the file",
        advice: "the file is incomplete: save it again with PEFT's save_pretrained", tensor: lonely.name)
    }
    guard let first = originals.first else { return }
    notes.append(
      originals.count == 1
        ? "'\(first.name)' is the base model's own copy of a tensor that the adapter replaces, and is ignored"
        : "\(originals.count) tensors, such as '\(first.name)', are the base model's own copies of what the adapter replaces, "
          + "and are ignored")
  }

  /// Refuses a layer that the file both adapts and replaces; its bias may be trained alongside the factors.
  private func checkRoles() throws {
    guard !absolutes.isEmpty else { return }
    let adapted = Set(modules.keys.map(PEFTRules.plain))
    for (key, name) in names.sorted(by: { $0.value < $1.value }) {
      guard case .absolute(let parameter) = key, let layer = replacedLayer(of: parameter), adapted.contains(layer),
        // So PEFT names the weight of the layer below its own, which it writes for embeddings and resized heads.
        !name.split(separator: ".").contains(ParameterName.baseLayer)
      else { continue }
      throw Failure(
        .badData,
        "replaces a layer that the same file adapts with lora_A and lora_B; PEFT loads only these and drops it",
        advice: "choose one role for '\(layer)': a LoRA target, or one of modules_to_save", tensor: name)
    }
  }
}

/// The layer whose weights a tensor of ``Adapter/absolutes`` replaces; nil for a bias, which may be trained beside a
/// layer's factors.
public func replacedLayer(of parameter: String) -> String? {
  let (layer, _) = PEFTRules.split(parameter)
  return layer.isEmpty || PEFTRules.isBias(parameter) ? nil : layer
}

extension TensorKey {
  fileprivate var module: String? { if case .factor(let module, _, _) = self { module } else { nil } }
}
