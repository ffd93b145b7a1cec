/// The normalized name of a tensor's parameter, by which names are compared: a path in the base model, such as
/// `model.layers.3.self_attn.q_proj.lora_A.weight`, without what trainers added to the name in the file.
///
/// Adapters, gradient files, optimizer states and filters are all matched by this form.
public func parameterName(of tensor: String) -> String { ParameterName(tensor).text }

/// The name under which PEFT writes an adapter's parameter: the inverse of
/// ``parameterName(of:)``.
///
/// - parameter parameter: Its path in the base model, such as `model.layers.3.self_attn.q_proj.lora_A.weight`.
public func tensorName(of parameter: String) -> String { ParameterName.prefix + "." + parameter }

/// A parameter's name without traces of the training process: wrappers, PEFT's own layers, and the adapter's name.
///
/// `module.base_model.model.q_proj.lora_A.default.weight` and `base_model.model.q_proj.lora_A.weight` are one parameter,
/// and so are `lm_head.modules_to_save.default.weight` and `lm_head.weight`. Removed are:
///
/// 1. the pieces of ``wrappers``, anywhere: no layer has such a name;
/// 2. everything up to the last `base_model.model`, since PEFT models may be nested, and wrapped at each level;
/// 3. `module` at the start of the rest, and after a factor. Elsewhere it may be the name of a real layer, and stays;
/// 4. the adapter's name after `lora_A`, `lora_B` and the like;
/// 5. in names without a factor, what PEFT adds around the base model's layers: `modules_to_save` and the adapter's name,
///    `original_module`, `base_layer`.
///
/// Normalizing twice changes nothing.
struct ParameterName: Hashable, Sendable {
  /// The parts between the dots.
  let parts: [Substring]

  /// The parts as the file has them.
  let spelled: [Substring]

  /// The parts joined by dots.
  var text: String { Self.joined(parts[...]) }

  /// Whether it is the base model's own copy, which PEFT keeps along with a saved module.
  let isOriginal: Bool

  /// The pieces that wrappers added to the name, other than those in PEFT's own files.
  private(set) var leftovers: [String]

  /// The path of an adapted layer in the file, without PEFT's prefix, if it differs: patterns in the config may refer to it.
  let spelledModule: String?

  /// The index of `lora_A` or the like among the parts.
  let marker: Int?

  /// Whether the name says that the parameter's module is saved whole (`modules_to_save`).
  var isSaved: Bool { spelled.contains(Self.modulesToSave) }

  init(_ name: String) {
    let spelled = Self.divided(name)
    self.spelled = spelled
    let isWrapped = spelled.contains(where: Self.wrappers.contains)
    let bare = isWrapped ? spelled.filter { !Self.wrappers.contains($0) } : spelled
    var leftovers = isWrapped ? spelled.filter(Self.wrappers.contains).map(String.init) : []
    let end = bare.lastIndex(where: Self.markers.contains)
    var (path, isOriginal) = end.map { (bare[..<$0], false) } ?? Self.withoutLayers(bare)
    // A path ends in a layer if a factor follows, else in the parameter's own name.
    let shortest = end == nil ? 2 : 1
    if let prefixEnd = Self.prefixEnd(in: path, leaving: shortest - 1) {
      let prefix = path[..<prefixEnd]
      if !prefix.elementsEqual(Self.prefixParts) { leftovers.append(Self.joined(prefix)) }
      path = path[prefixEnd...]
    }
    while path.first == Self.module, path.count > shortest { leftovers.append(String(path.removeFirst())) }
    self.leftovers = leftovers
    self.isOriginal = isOriginal
    guard let end else {
      (parts, marker, spelledModule) = (Array(path), nil, nil)
      return
    }
    let ending = Self.withoutWrappers(bare[(end + 1)...])
    self.leftovers += Array(repeating: String(Self.module), count: bare.count - end - 1 - ending.count)
    var parts: [Substring] = []
    parts.reserveCapacity(bare.count)
    parts += path
    parts.append(bare[end])
    parts += Self.withoutAdapter(ending, of: bare[end])
    self.parts = parts
    marker = path.count
    let layers = spelled[..<(spelled.lastIndex(of: bare[end]) ?? 0)]
    let module = layers[(Self.prefixEnd(in: layers, leaving: 0) ?? 0)...]
    spelledModule = module.elementsEqual(path) ? nil : Self.joined(module)
  }

  static func == (a: ParameterName, b: ParameterName) -> Bool { a.parts == b.parts && a.isOriginal == b.isOriginal }

  func hash(into hasher: inout Hasher) {
    hasher.combine(parts)
    hasher.combine(isOriginal)
  }

  static let prefix = "base_model.model"
  private static let prefixParts: [Substring] = ["base_model", "model"]
  static let baseLayer: Substring = "base_layer"
  static let modulesToSave: Substring = "modules_to_save"
  private static let originalModule: Substring = "original_module"
  /// The name that DataParallel, DistributedDataParallel and DeepSpeed give to the model that they wrap.
  private static let module: Substring = "module"

  static let markers: Set<Substring> = [
    "lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "lora_magnitude_vector",
  ]

  /// The names that wrappers give to what they wrap: torch.compile, FSDP, activation checkpointing, FairScale, Lightning
  /// and Opacus.
  private static let wrappers: Set<Substring> = [
    "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_fpw_module", "_forward_module", "_module",
  ]

  /// The end of the last `base_model.model` that is followed by at least this many parts; anything may precede it.
  private static func prefixEnd(in path: ArraySlice<Substring>, leaving count: Int) -> Int? {
    for start in path.indices.reversed() where path[start] == "base_model" {
      let next = path[(start + 1)...].firstIndex { $0 != module && !wrappers.contains($0) } ?? path.endIndex
      if next + 1 + count <= path.endIndex, path[next] == "model" { return next + 1 }
    }
    return nil
  }

  /// A path in the base model without the layers that PEFT puts around its own; the last part is the parameter's name.
  private static func withoutLayers(_ spelled: [Substring]) -> (path: ArraySlice<Substring>, isOriginal: Bool) {
    var path: [Substring] = []
    var isOriginal = false
    var rest = spelled[...]
    while let part = rest.popFirst() {
      switch part {
      case modulesToSave where !rest.isEmpty:
        // Several adapters may save a module, each its own copy; PEFT's files leave the adapter's name out.
        if rest.count > 1 { rest.removeFirst() }
      case originalModule where !rest.isEmpty: isOriginal = true
      case baseLayer where !rest.isEmpty: continue
      default: path.append(part)
      }
    }
    return (path[...], isOriginal)
  }

  /// What follows a factor's marker, without wrappers of the factor itself. One piece may be the adapter's name.
  private static func withoutWrappers(_ spelled: ArraySlice<Substring>) -> ArraySlice<Substring> {
    var ending = spelled
    while ending.count > 2, let index = ending.dropLast().firstIndex(of: module) { ending.remove(at: index) }
    return ending
  }

  /// What follows a factor's marker, without the adapter's name; nothing follows for embeddings and magnitudes.
  private static func withoutAdapter(_ ending: ArraySlice<Substring>, of marker: Substring) -> ArraySlice<Substring> {
    switch marker {
    case "lora_magnitude_vector": []
    case "lora_embedding_A", "lora_embedding_B": ending.count == 1 ? [] : ending
    default: ending.count == 2 ? ending.dropFirst() : ending
    }
  }

  /// The parts of a name between the dots. Unlike `split`, it does not reallocate as it goes.
  private static func divided(_ name: String) -> [Substring] {
    let dot = UInt8(ascii: ".")
    var parts: [Substring] = []
    parts.reserveCapacity(name.utf8.count { $0 == dot } + 1)
    var start = name.startIndex
    while let end = name.utf8[start...].firstIndex(of: dot) {
      parts.append(name[start..<end])
      start = name.utf8.index(after: end)
    }
    parts.append(name[start...])
    return parts
  }

  /// Some parts joined by dots. Unlike `joined`, it does not allocate for each part.
  static func joined(_ parts: ArraySlice<Substring>) -> String {
    var text = ""
    text.reserveCapacity(parts.reduce(parts.count) { $0 + $1.utf8.count })
    for (index, part) in zip(parts.indices, parts) {
      if index > parts.startIndex { text += "." }
      text += part
    }
    return text
  }
}
