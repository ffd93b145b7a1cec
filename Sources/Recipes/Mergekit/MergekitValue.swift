import Diagnostics

/// How values are read off a mergekit file.
enum MergekitValue {
  /// `true` or `false`, also as the numbers that mergekit writes for them.
  static func flag(_ node: Node, _ place: Place) throws -> Bool {
    switch node.plainText {
    case "true", "True", "1", "1.0": return true
    case "false", "False", "0", "0.0": return false
    default: throw Form<Bool>.mismatch(node, at: place, due: "true or false", words: ["true", "false"])
    }
  }

  /// One number for the whole model.
  static func weight(_ node: Node, _ place: Place) throws -> Node {
    guard node.list == nil, node.mapping == nil else {
      throw node.origin.failure(
        "\(place.name) varies, and the weight of a client is one number here",
        advice: "write one number; 'density' can vary over layers and by filter, a weight cannot")
    }
    _ = try Form<Double>.number().read(node, place)
    return node
  }

  /// A model without the adapter or revision that mergekit can attach to its name.
  static func model(_ node: Node, _ place: Place) throws -> String {
    let model = try Form<String>.path.read(node, place)
    let parts = model.split(separator: "+", omittingEmptySubsequences: false)
    if parts.count > 1 {
      throw node.origin.failure(
        "\(place.name) is a model with an adapter, and here the models are the adapters alone",
        advice: "write '\(Node.shortened(String(parts.last!)))'")
    }
    guard !model.contains("@") else {
      throw node.origin.failure(
        "\(place.name) names a revision, and nothing is downloaded here",
        advice: "write the path of an adapter's folder or archive")
    }
    return model
  }

  /// A value with mergekit's `{value: …}` for everything else written as we write it.
  static func parameter(_ node: Node, _ place: Place) throws -> Node {
    guard let choices = node.list, choices.contains(where: { $0.mapping != nil }) else {
      _ = try ParameterSetting.value(of: node, at: place)
      return node
    }
    let filtered = choices.map { choice -> Node in
      guard let members = choice.mapping, choice["filter"] == nil else { return choice }
      let everything = Node.Member(key: "filter", origin: choice.origin, value: .word("*", choice.origin))
      return Node(content: .mapping([everything] + members), origin: choice.origin)
    }
    let node = Node(content: .list(filtered), origin: node.origin)
    _ = try ParameterSetting.value(of: node, at: place)
    return node
  }

  /// Whether every module gets something from a value that ``parameter(_:_:)`` gave.
  static func coversEverything(_ node: Node) -> Bool {
    guard let choices = node.list, choices.contains(where: { $0.mapping != nil }) else { return true }
    return choices.contains { $0["filter"]?.text == "*" }
  }
}
