import Diagnostics
import Yams

/// Reads one YAML document strictly into a tree of ``Node``.
///
/// It accepts block and flow style, quotes, comments, anchors and aliases; it refuses tags, merge keys, keys that are not
/// words, duplicate keys and further documents. It gives scalars no type: what a plain `no` or `010` means is decided where
/// the expected type is known.
struct YAMLReader {
  var limits = Limits()
  /// Turns a position into the origin of a node of this text.
  var origin: (Failure.Position) -> Origin = { .file($0) }

  /// The root of the document, or nil if there is nothing but comments.
  func read(_ text: String) throws -> Node? {
    let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    guard text.utf8.count <= limits[.recipeSize] else {
      throw Failure(beyond: .recipeSize, "the recipe has more than \(limits[.recipeSize]) bytes", kind: .badRecipe)
    }
    guard !hasTooManyCombiningMarks(text) else {
      throw Failure(.badRecipe, "the recipe has more than \(maximumCombiningMarks) combining marks in a row")
    }
    try refuseControlCharacters(text)
    try refuseAliasedKeys(text)
    do {
      // The basic resolver assigns no types, which also keeps the search for duplicate keys fast.
      guard let root = try Yams.compose(yaml: text, .basic, .default, .utf8) else { return nil }
      var budget = Budget(nodes: limits[.recipeValues], textBytes: limits[.recipeText])
      let node = try convert(root, depth: 0, budget: &budget)
      return node.isNothing ? nil : node
    } catch let error as YamlError {
      throw failure(error)
    }
  }

  private struct Budget {
    var nodes: Int
    var textBytes: Int
  }

  private func convert(_ node: Yams.Node, depth: Int, budget: inout Budget) throws -> Node {
    let position = origin(.init(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1))
    guard depth <= limits[.recipeDepth] else { throw tooDeep(position) }
    budget.nodes -= 1
    guard budget.nodes >= 0 else {
      throw position.failure(
        beyond: .recipeValues,
        "the recipe has more than \(limits[.recipeValues]) values once its aliases are expanded")
    }
    switch node {
    case .scalar(let scalar):
      let text = try self.text(scalar, at: position, budget: &budget)
      let isPlain = scalar.style == .plain && scalar.tag.description != Tag.Name.str.rawValue
      return Node(content: .scalar(text, isPlain: isPlain), origin: position)
    case .sequence(let sequence):
      try refuseTag(sequence.tag, at: position)
      return Node(
        content: .list(try sequence.map { try convert($0, depth: depth + 1, budget: &budget) }), origin: position)
    case .mapping(let mapping):
      try refuseTag(mapping.tag, at: position)
      var members: [Node.Member] = []
      for (key, value) in mapping {
        let (word, keyPlace) = try self.key(key, budget: &budget)
        let value = try convert(value, depth: depth + 1, budget: &budget)
        members.append(.init(key: word, origin: keyPlace, value: value))
      }
      return Node(content: .mapping(members), origin: position)
    case .alias:
      throw position.failure("this alias refers to no anchor")
    }
  }

  private func key(_ node: Yams.Node, budget: inout Budget) throws -> (String, Origin) {
    let position = origin(.init(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1))
    guard case .scalar(let scalar) = node else {
      throw position.failure("a key must be a word, not a list or a mapping")
    }
    let word = try text(scalar, at: position, budget: &budget)
    if word == "<<", scalar.style == .plain {
      throw position.failure(
        "merge keys ('<<') are not part of the recipe language",
        advice: "write the keys out, or use an alias for the whole value")
    }
    return (word, position)
  }

  private func text(_ scalar: Yams.Node.Scalar, at position: Origin, budget: inout Budget) throws -> String {
    if scalar.tag.description != Tag.Name.str.rawValue { try refuseTag(scalar.tag, at: position) }
    budget.textBytes -= scalar.string.utf8.count
    guard budget.textBytes >= 0 else {
      throw position.failure(
        beyond: .recipeText,
        "the texts of the recipe have more than \(limits[.recipeText]) bytes once aliases are expanded")
    }
    return scalar.string
  }

  private func refuseTag(_ tag: Tag, at position: Origin) throws {
    guard tag.description != Tag.Name.implicit.rawValue else { return }
    throw position.failure(
      "the tag '\(Node.shortened(tag.description))' is not part of the recipe language", advice: "remove the tag")
  }

  private func tooDeep(_ position: Origin) -> Failure {
    position.failure(beyond: .recipeDepth, "the recipe nests deeper than \(limits[.recipeDepth]) levels")
  }

  private func failure(_ error: YamlError) -> Failure {
    switch error {
    case .scanner(let context, let problem, let mark, let yaml), .parser(let context, let problem, let mark, let yaml):
      let position = origin(.init(line: mark.line, column: mark.column))
      if problem.hasPrefix("Maximum nesting") {
        return tooDeep(position)
      }
      let began =
        context.map { $0.mark.line == mark.line ? "" : " \($0.text) that began in line \($0.mark.line)" } ?? ""
      return position.failure("this is not valid YAML: \(problem)\(began)", advice: advice(at: mark, in: yaml))
    case .composer(_, let problem, let mark, _):
      let position = origin(.init(line: mark.line, column: mark.column))
      if problem.contains("another document") {
        return position.failure("a recipe is one YAML document, but a second one starts here")
      }
      return position.failure("this is not valid YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      let position = origin(.init(line: context.mark.line, column: context.mark.column))
      return position.failure("duplicate key '\(Node.shortened(keys.first ?? ""))'")
    default:
      return Failure(.badRecipe, "this is not valid YAML: \(error)")
    }
  }

  /// YAML's most common mistake has its least helpful message.
  private func advice(at mark: Mark, in yaml: String) -> String? {
    let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.indices.contains(mark.line - 1) else { return nil }
    return lines[mark.line - 1].prefix { $0.isWhitespace }.contains("\t")
      ? "indent with spaces; YAML forbids tabs" : nil
  }
}
