import Diagnostics

extension MergekitTranslation {
  /// The known parameter for a key that the file sets.
  func parameter(_ member: Node.Member) throws -> MergekitParameter {
    let known = method.parameters.map(\.name) + (method.isWeighted ? ["weight"] : [])
    guard let parameter = method.parameters.first(where: { $0.name == member.key }) else {
      throw member.origin.failure(
        "'\(Node.shortened(member.key))' has no effect on '\(method.name)', and mergekit ignores it",
        advice: nearestName(to: member.key, among: known) == nil
          ? "remove it" : suggestion(for: member.key, among: known))
    }
    return parameter
  }

  /// Fills in the parameters that apply to all clients.
  mutating func readParameters() throws {
    for (name, value) in method.settings.sorted(by: { $0.key < $1.key }) {
      parameters.append((name, .word(value, methodName.origin)))
      step(Location() / "merge_method", "merge.parameters.\(name) = \(value)")
    }
    let location = Location() / "parameters"
    if let node = root["parameters"], node.mapping == nil {
      throw Schema<String>.mismatch(node, at: location, due: "a mapping of parameters")
    }
    let members = root["parameters"]?.mapping ?? []
    for member in members where member.key != "weight" || !method.isWeighted {
      let parameter = try parameter(member)
      switch parameter.meaning {
      case .number(let otherwise):
        let value = try completed(MergekitValue.parameter(member.value, location / member.key), otherwise)
        parameters.append((member.key, value))
        step(location / member.key, "merge.parameters.\(member.key)")
      case .flag(let yes, let no):
        let isSet = try MergekitValue.flag(member.value, location / member.key)
        try settle(member, isSet ? yes : no)
      }
    }
    for parameter in method.parameters where !members.contains(where: { $0.key == parameter.name }) {
      try fillIn(parameter)
    }
  }

  private mutating func settle(_ member: Node.Member, _ outcome: MergekitParameter.Outcome) throws {
    let location = Location() / "parameters" / member.key
    switch outcome {
    case .set(let key, let value):
      parameters.append((key, .word(value, member.value.origin)))
      step(location, "merge.parameters.\(key) = \(value)")
    case .nothing(let why): step(location, "nothing", why)
    case .refused(let why, let advice): throw member.value.origin.failure(why, advice: advice)
    }
  }

  /// A value whose filters may not cover all modules, with mergekit's value for the others.
  private func completed(_ node: Node, _ otherwise: MergekitParameter.Otherwise) throws -> Node {
    guard let choices = node.list, !MergekitValue.coversEverything(node) else { return node }
    switch otherwise {
    case .same: return node
    case .value(let value):
      let rest = Node.mapping(
        [("filter", .word("*", node.origin)), ("value", .word(value, node.origin))], node.origin)
      return Node(content: .list(choices + [rest]), origin: node.origin)
    case .refused:
      throw node.origin.failure(
        "modules that no filter matches have no value", advice: "add an entry with a value and no filter")
    }
  }

  /// The value of a parameter that is not among those for all models.
  private mutating func fillIn(_ parameter: MergekitParameter) throws {
    guard case .number(let otherwise) = parameter.meaning else { return }
    switch otherwise {
    case .same: break
    case .refused:
      throw methodName.origin.failure(
        "'\(method.name)' needs the parameter '\(parameter.name)'",
        advice: "write parameters: {\(parameter.name): 0.5} at the top")
    case .value(let value):
      let models = root["models"]?.list ?? []
      let isNeeded = try models.contains { model in
        try model["parameters"]?[parameter.name].map {
          try !MergekitValue.coversEverything(MergekitValue.parameter($0, Location()))
        } ?? true
      }
      guard isNeeded else { return }
      parameters.append((parameter.name, .word(value, methodName.origin)))
      step(Location() / "merge_method", "merge.parameters.\(parameter.name) = \(value)", "mergekit's default")
    }
  }
}
