import Diagnostics

extension MergekitTranslation {
  /// The clients, in the order of the models.
  mutating func clients(from base: Node?) throws -> Node {
    let location = Location() / "models"
    guard let node = root["models"] else {
      throw root.origin.failure("the mergekit file has no 'models'", advice: "list the adapters there")
    }
    guard let models = node.list else { throw Schema<String>.mismatch(node, at: location, due: "a list of models") }
    guard !models.isEmpty else { throw node.origin.failure("'models' is an empty list") }
    let paths = try models.enumerated().map { index, model -> Node in
      guard let members = model.mapping else {
        throw Schema<String>.mismatch(model, at: location / index, due: "a mapping with 'model'")
      }
      if let member = members.first(where: { !["model", "parameters"].contains($0.key) }) {
        throw member.origin.failure(
          "unknown key '\(Node.shortened(member.key))' in \((location / index).name)",
          advice: suggestion(for: member.key, among: ["model", "parameters"]))
      }
      guard let path = model["model"] else {
        throw model.origin.failure("\((location / index).name) has no 'model'", advice: "give the path of an adapter")
      }
      _ = try MergekitValue.model(path, location / index / "model")
      return path
    }
    let names = try names(paths, from: base)
    var clients: [Node] = []
    for (index, (model, path)) in zip(models, paths).enumerated() {
      var members: [(key: String, value: Node)] = [("path", path)]
      step(location / index / "model", "clients.\(index).path")
      if let name = names?[index] {
        members.append(("name", name))
        step(
          location / index / "model", "clients.\(index).name = \(name.text ?? "")", "the path goes from 'from' to 'to'")
      }
      members += try settings(of: model, index)
      clients.append(.mapping(members, model.origin))
    }
    return Node(content: .list(clients), origin: node.origin)
  }

  /// Names that put the model at which the path starts first, because the plugin orders by name; nil if it does not matter.
  private func names(_ paths: [Node], from base: Node?) throws -> [Node]? {
    let start = base.flatMap { base in paths.firstIndex { $0.text == base.text } }
    switch method.base {
    case .isNone: return nil
    case .isZero:
      guard let start else { return nil }
      throw paths[start].origin.failure(
        "the base model is listed among the models, but adapters are already differences from it",
        advice: "remove this entry")
    case .isStart:
      guard paths.count == 2 else {
        throw methodName.origin.failure(
          "'\(method.name)' interpolates between two models, but there are \(paths.count)",
          advice: "list two, or write merge_method: karcher")
      }
      guard let start, let base else {
        throw (base ?? root).origin.failure(
          "'base_model' is not among the models, but '\(method.name)' starts from it",
          advice: "name one of the two; a full model is not used")
      }
      return paths.indices.map { .word($0 == start ? "from" : "to", base.origin) }
    }
  }

  /// The weight and the parameters of one model.
  private mutating func settings(of model: Node, _ index: Int) throws -> [(key: String, value: Node)] {
    let location = Location() / "models" / index / "parameters"
    var members: [(key: String, value: Node)] = []
    var own: [(key: String, value: Node)] = []
    if let node = model["parameters"], node.mapping == nil {
      throw Schema<String>.mismatch(node, at: location, due: "a mapping of parameters")
    }
    for member in model["parameters"]?.mapping ?? [] where member.key != "weight" || !method.isWeighted {
      let parameter = try parameter(member)
      guard parameter.isPerModel else {
        throw member.origin.failure(
          "'\(member.key)' applies to all models, and mergekit ignores it here",
          advice: "write it under 'parameters' at the top")
      }
      own.append((member.key, try MergekitValue.parameter(member.value, location / member.key)))
      step(location / member.key, "clients.\(index).parameters.\(member.key)")
    }
    if method.isWeighted {
      let (node, source) = try weight(of: model, index)
      members.append(("weight", node))
      step(source, "clients.\(index).weight")
    }
    if !own.isEmpty { members.append(("parameters", .mapping(own, model.origin))) }
    return members
  }

  /// A model's weight: its own, or else the common one.
  private func weight(of model: Node, _ index: Int) throws -> (Node, Location) {
    let own = Location() / "models" / index / "parameters" / "weight"
    if let node = model["parameters"]?["weight"] { return (try MergekitValue.weight(node, own), own) }
    let common = Location() / "parameters" / "weight"
    if let node = root["parameters"]?["weight"] { return (try MergekitValue.weight(node, common), common) }
    throw model.origin.failure(
      "this model has no weight, but '\(method.name)' needs one", advice: "give it parameters: {weight: 1}")
  }
}
