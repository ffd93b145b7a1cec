import Diagnostics

/// How values of a mergekit file are read.
enum MergekitValue {
  /// `true` or `false`, also as the numbers that mergekit writes for them.
  static func flag(_ node: Node, _ location: Location) throws -> Bool {
    switch node.plainText {
    case "true", "True", "1", "1.0": return true
    case "false", "False", "0", "0.0": return false
    default: throw Schema<Bool>.mismatch(node, at: location, due: "true or false", words: ["true", "false"])
    }
  }

  /// One number for the whole model.
  static func weight(_ node: Node, _ location: Location) throws -> Node {
    guard node.list == nil, node.mapping == nil else {
      throw node.origin.failure(
        "\(location.name) varies, but a client's weight is a single number here",
        advice: "write one number; 'density' can vary over layers and by filter, a weight cannot")
    }
    _ = try Schema<Double>.number().read(node, location)
    return node
  }

  /// A model without the adapter or revision that mergekit can attach to its name.
  static func model(_ node: Node, _ location: Location) throws -> String {
    let model = try Schema<String>.path.read(node, location)
    let parts = model.split(separator: "+", omittingEmptySubsequences: false)
    if parts.count > 1 {
      throw node.origin.failure(
        "\(location.name) is a model with an adapter, but here the models are only the adapters",
        advice: "write '\(Node.shortened(String(parts.last!)))'")
    }
    guard !model.contains("@") else {
      throw node.origin.failure(
        "\(location.name) names a revision, but Clues downloads nothing",
        advice: "write the path of an adapter's folder or archive")
    }
    return model
  }

  /// A value with mergekit's `{value: …}` for everything else written as we write it.
  static func parameter(_ node: Node, _ location: Location) throws -> Node {
    guard let choices = node.list, choices.contains(where: { $0.mapping != nil }) else {
      _ = try ParameterSetting.value(of: node, at: location)
      return node
    }
    let filtered = choices.map { choice -> Node in
      guard let members = choice.mapping, choice["filter"] == nil else { return choice }
      let everything = Node.Member(key: "filter", origin: choice.origin, value: .word("*", choice.origin))
      return Node(content: .mapping([everything] + members), origin: choice.origin)
    }
    let node = Node(content: .list(filtered), origin: node.origin)
    _ = try ParameterSetting.value(of: node, at: location)
    return node
  }

  /// Whether every module gets something from a value that ``parameter(_:_:)`` gave.
  static func coversEverything(_ node: Node) -> Bool {
    guard let choices = node.list, choices.contains(where: { $0.mapping != nil }) else { return true }
    return choices.contains { $0["filter"]?.text == "*" }
  }
}
