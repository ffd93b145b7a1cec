import Diagnostics

/// A mergekit file, translated into a recipe: adapters instead of models, and zero as the base.
///
/// Every value keeps its location in the file. mergekit's defaults are written out, at the location of the method's name.
struct MergekitTranslation {
  /// The recipe.
  private(set) var tree: Node

  /// Which key of the file became what.
  private(set) var steps: [ExplainedValue] = []

  let root: Node
  let method: MergekitMethod
  let methodName: Node
  var parameters: [(key: String, value: Node)] = []

  /// Whether this is a mergekit file, valid or not.
  static func recognizes(_ root: Node) -> Bool {
    root["merge_method"] != nil && ["clients", "merge", "clues"].allSatisfy { root[$0] == nil }
  }

  /// - throws: ``Failure`` `badRecipe` with line and column for everything that would mean something else here.
  init(_ root: Node) throws {
    self.root = root
    try Self.checkKeys(of: root)
    methodName = root["merge_method"] ?? root
    method = try Self.method(methodName)
    tree = root
    step(Location() / "merge_method", "merge.method = \(method.id)", method.note)
    step(
      Location() / "merge_method", "merge.space = delta",
      "methods work on differences from the base, and adapters are such differences")
    let base = try base()
    let clients = try clients(from: base)
    try readParameters()
    var merge: [(key: String, value: Node)] = [
      ("method", .word(method.id, methodName.origin)), ("space", .word("delta", methodName.origin)),
    ]
    if !parameters.isEmpty { merge.append(("parameters", .mapping(parameters, methodName.origin))) }
    if case .isZero = method.base, let base {
      merge.append(("base_model", base))
      step(Location() / "base_model", "merge.base_model", "adapters are already differences from it")
    }
    var members = [("clients", clients), ("merge", Node.mapping(merge, methodName.origin))]
    if let dtype = try dtype() { members.append(("output", .mapping([("dtype", dtype)], dtype.origin))) }
    tree = .mapping(members, root.origin)
  }

  mutating func step(_ location: Location, _ became: String, _ why: String? = nil) {
    steps.append(ExplainedValue(location: location, value: became, meaning: why))
  }

  private static let keys = ["merge_method", "models", "base_model", "parameters", "dtype", "out_dtype"]

  /// The keys of mergekit that make no sense for adapters: why, and what to do.
  private static let refusedKeys: [String: (why: String, advice: String)] = [
    "slices": (
      "'slices' combines layers of several models, but an adapter's layers cannot be moved",
      "list the adapters under 'models'; a parameter can be a list over layers"
    ),
    "modules": (
      "'modules' merges parts of a model separately, but here all modules of the adapters are merged",
      "list the adapters under 'models'; a parameter can differ by {filter, value}"
    ),
    "tokenizer": ("an adapter has no tokenizer to merge", "remove 'tokenizer'"),
    "tokenizer_source": ("an adapter has no tokenizer to merge", "remove 'tokenizer_source'"),
    "chat_template": ("an adapter has no chat template", "remove 'chat_template'"),
  ]

  private static func checkKeys(of root: Node) throws {
    for member in root.mapping ?? [] where !keys.contains(member.key) {
      if let refused = refusedKeys[member.key] {
        throw member.origin.failure(refused.why, advice: refused.advice)
      }
      let ours = Recipe.fields.contains { $0.name == member.key }
      throw member.origin.failure(
        "unknown key '\(Node.shortened(member.key))' in a mergekit file",
        advice: ours
          ? "set it with --set, or print this file as a recipe with `clues recipe explain --json` and edit that"
          : suggestion(for: member.key, among: keys))
    }
  }

  private static func method(_ node: Node) throws -> MergekitMethod {
    let location = Location() / "merge_method"
    guard let name = node.text else { throw Schema<String>.mismatch(node, at: location, due: "the name of a method") }
    if let refused = MergekitMethod.refused[name] { throw node.origin.failure(refused.why, advice: refused.advice) }
    guard let method = MergekitMethod.all.first(where: { $0.name == name }) else {
      throw node.origin.failure(
        "'\(Node.shortened(name))' is not a known mergekit method",
        advice: suggestion(for: name, among: MergekitMethod.all.map(\.name)))
    }
    return method
  }

  private func base() throws -> Node? {
    guard let node = root["base_model"] else {
      guard case .isStart = method.base else { return nil }
      throw root.origin.failure(
        "'\(method.name)' needs 'base_model'", advice: "name the model at t = 0, one of the two")
    }
    if case .isNone(let why) = method.base {
      throw node.origin.failure(why, advice: "remove 'base_model'; adapters are already differences from it")
    }
    _ = try MergekitValue.model(node, Location() / "base_model")
    return node
  }

  /// The type of the result: `out_dtype`, or else `dtype`.
  private mutating func dtype() throws -> Node? {
    var chosen: Node?
    for key in ["out_dtype", "dtype"] {
      guard let node = root[key] else { continue }
      guard let text = node.text else { throw Schema<String>.mismatch(node, at: Location() / key, due: "a type") }
      let name = text.hasPrefix("torch.") ? String(text.dropFirst("torch.".count)) : text
      let word = Node(content: .scalar(name, isPlain: true), origin: node.origin)
      let types = Recipe.Precision.allCases.filter { $0 != .auto }
      guard types.contains(where: { $0.rawValue == name }) else {
        throw Schema<String>.mismatch(
          node, at: Location() / key, due: listed(types.map { "'\($0.rawValue)'" }, "or"), words: types.map(\.rawValue),
          advice: Recipe.Precision(nameElsewhere: name).map { "did you mean '\($0.rawValue)'?" })
      }
      guard chosen == nil else {
        step(Location() / key, "nothing", "sums use at least float32, whatever the type of the result")
        continue
      }
      chosen = word
      step(Location() / key, "output.dtype")
    }
    return chosen
  }
}
