import Diagnostics

/// A value set on the command line, `merge.parameters.density=0.5`, put into the tree before it is checked.
///
/// Whether the path exists is not checked here: the checker treats the value like any other and knows all names.
public struct Override: Sendable {
  let path: [String]
  let value: Node

  /// Reads `key=value`, as `--set` takes it.
  ///
  /// - throws: ``Failure`` of kind `usage` if this is not `key=value`, `badRecipe` if the value is broken YAML.
  public init(_ setting: String, limits: Limits = Limits()) throws {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, path.allSatisfy({ !$0.isEmpty }) else {
      throw Failure(
        .usage, "--set \(setting): expected key=value",
        advice: "for example: --set merge.parameters.density=0.5")
    }
    try self.init(path, String(parts[1]), from: "--set \(setting)", limits: limits)
  }

  /// - parameters:
  ///   - path: The keys that lead to the value.
  ///   - text: The value as YAML.
  ///   - option: What the user wrote on the command line, for messages.
  public init(_ path: [String], _ text: String, from option: String, limits: Limits = Limits()) throws {
    let origin = Origin.override(option)
    self.path = path
    // Only a list, a mapping or quotes need YAML; a path with '#' or ': ' in it is just a path.
    guard let first = text.first, "[{\"'".contains(first) else {
      value = Node(content: .scalar(text, isPlain: true), origin: origin)
      return
    }
    value =
      try YAMLReader(limits: limits, origin: { _ in origin }).read(text)
      ?? Node(content: .scalar("", isPlain: true), origin: origin)
  }

  /// Reads `key=value`, as `-p` takes it, as a setting below `path`.
  ///
  /// - throws: ``Failure`` of kind `usage` if this is not `key=value`, `badRecipe` if the value is broken YAML.
  public init(parameter setting: String, of path: [String]) throws {
    let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw Failure(.usage, "-p \(setting): expected key=value", advice: "for example: -p density=0.5")
    }
    try self.init(path + [parts[0]], parts[1], from: "-p \(setting)")
  }

  func apply(to root: Node) throws -> Node { try put(path[...], into: root, at: Location()) }

  private func put(_ steps: ArraySlice<String>, into node: Node?, at location: Location) throws -> Node {
    guard let step = steps.first else { return value }
    let rest = steps.dropFirst()
    let node = node.map { inFull($0, depth: path.count - steps.count) }
    switch node?.content {
    case .mapping(var members):
      let index = members.firstIndex { $0.key == step }
      let inner = try put(rest, into: index.map { members[$0].value }, at: location / step)
      if let index {
        members[index].value = inner
      } else {
        members.append(.init(key: step, origin: value.origin, value: inner))
      }
      return Node(content: .mapping(members), origin: node?.origin ?? value.origin)
    case .list(var nodes):
      guard let index = Int(step), nodes.indices.contains(index), String(index) == step else {
        throw value.origin.failure(
          "\(location.name) is a list and has no '\(step)'", advice: "its elements are 0 to \(nodes.count - 1)")
      }
      nodes[index] = try put(rest, into: nodes[index], at: location / step)
      return Node(content: .list(nodes), origin: node?.origin ?? value.origin)
    case .scalar where node?.isNothing == false:
      throw value.origin.failure("\(location.name) is a single value and has no '\(step)'")
    default:
      let inner = try put(rest, into: nil, at: location / step)
      return Node(content: .mapping([.init(key: step, origin: value.origin, value: inner)]), origin: value.origin)
    }
  }

  /// A client given only by its path becomes a mapping when it gets another key.
  private func inFull(_ node: Node, depth: Int) -> Node {
    guard depth == 2, path[0] == "clients", node.text != nil else { return node }
    let member = Node.Member(key: Recipe.Client.shortKey, origin: node.origin, value: node)
    return Node(content: .mapping([member]), origin: node.origin)
  }
}
