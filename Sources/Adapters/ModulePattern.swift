import Diagnostics

/// A key of `rank_pattern` or `alpha_pattern`: a regular expression that names modules.
///
/// PEFT takes the first key for which `^(.*\.)?(KEY)$` matches the module's path. Keys come from other people's files, so
/// the match simulates the automaton in time linear in both lengths: no pattern can make it run away.
/// It supports literals, `.`, escapes, classes, groups, `|`, `*`, `+`, `?`, `{m,n}`, `^` and `$`; anything else is
/// refused.
public struct ModulePattern: Sendable {
  public let text: String
  private let automaton: Automaton

  /// The pattern, if it is just a name.
  let name: PatternName?

  /// - throws: ``Failure`` `badData` for an invalid or unsupported regular expression.
  public init(_ text: String) throws {
    guard text.utf8.count <= Parser.maximumSize else {
      throw Failure(
        .badData, "a pattern of \(text.utf8.count) bytes is too large", advice: "name the modules one by one")
    }
    self.text = text
    var parser = Parser(text)
    automaton = Automaton(try parser.expression())
    name = PatternName(text)
  }

  /// Whether a pattern can name this module, as the config of a merged adapter may have to.
  static func canName(_ module: String) -> Bool { naming(module).utf8.count <= Parser.maximumSize }

  /// Whether PEFT would apply this key to the module.
  public func matches(_ module: String) -> Bool { automaton.matches(Array(module.unicodeScalars)) }

  /// An upper bound for the steps of a match, for each scalar of the module's name.
  var steps: Int { automaton.count }

  /// The pattern that matches this module and no other, not even one whose path ends in its name.
  public static func naming(_ module: String) -> String {
    module.unicodeScalars.reduce(into: "^") { pattern, scalar in
      if PatternName.operators.contains(scalar) { pattern += "\\" }
      pattern.unicodeScalars.append(scalar)
    }
  }
}

private indirect enum Expression: Sendable {
  case one(@Sendable (Unicode.Scalar) -> Bool)
  case edge(Edge)
  case sequence([Expression])
  case either([Expression])
  case many(Expression)

  static let empty = sequence([])
}

/// An end of the module's path.
private enum Edge: Sendable {
  case start
  case end
}

private struct Parser {
  private let scalars: [Unicode.Scalar]
  private let text: String
  private var at = 0
  private var depth = 0
  /// How many single steps the pattern has after counting out `{m,n}`.
  private var size = 0

  static let maximumSize = 4096
  private static let maximumDepth = 32

  init(_ text: String) {
    self.text = text
    scalars = Array(text.unicodeScalars)
  }

  mutating func expression() throws -> Expression {
    let whole = try alternatives()
    if at < scalars.count { throw refusal("has an unmatched closing parenthesis") }
    return whole
  }

  private mutating func alternatives() throws -> Expression {
    var choices = [try sequence()]
    while take("|") {
      try grow(1)
      choices.append(try sequence())
    }
    return choices.count == 1 ? choices[0] : .either(choices)
  }

  private mutating func sequence() throws -> Expression {
    var parts: [Expression] = []
    while at < scalars.count, scalars[at] != "|", scalars[at] != ")" { parts.append(try repeated()) }
    return .sequence(parts)
  }

  private mutating func repeated() throws -> Expression {
    let start = size
    let one = try single()
    guard at < scalars.count, Self.repetitions.contains(scalars[at]) else { return one }
    if case .edge = one { throw refusal("repeats nothing") }
    let result: Expression
    if take("*") {
      result = .many(one)
    } else if take("+") {
      // The repeated part is duplicated, so nested pluses would double it again and again.
      try grow(size - start)
      result = .sequence([one, .many(one)])
    } else if take("?") {
      result = .either([.empty, one])
    } else {
      at += 1
      result = try counted(one, steps: size - start)
    }
    if take("?") || take("+") { throw refusal("uses lazy or possessive repetition") }
    if at < scalars.count, Self.repetitions.contains(scalars[at]) { throw refusal("repeats a repetition") }
    return result
  }

  private static let repetitions: [Unicode.Scalar] = ["*", "+", "?", "{"]

  private mutating func counted(_ one: Expression, steps: Int) throws -> Expression {
    let low = number()
    let hasComma = take(",")
    let high = hasComma ? number() : low
    guard take("}"), let low = low ?? (hasComma ? 0 : nil) else {
      throw refusal("has an unsupported repetition")
    }
    let most = high ?? low
    guard most >= low, most <= 1000, steps <= Self.maximumSize else {
      throw refusal("has too many repetitions")
    }
    try grow(steps * most)
    let needed = [Expression](repeating: one, count: low)
    if hasComma, high == nil { return .sequence(needed + [.many(one)]) }
    return .sequence(needed + [Expression](repeating: .either([.empty, one]), count: most - low))
  }

  private mutating func number() -> Int? {
    var value: Int?
    while at < scalars.count, let digit = Int(String(scalars[at])), (value ?? 0) < 100_000 {
      value = (value ?? 0) * 10 + digit
      at += 1
    }
    return value
  }

  private mutating func single() throws -> Expression {
    try grow(1)
    let scalar = scalars[at]
    at += 1
    switch scalar {
    case "(":
      depth += 1
      if depth > Self.maximumDepth { throw refusal("is nested too deeply") }
      if take("?"), !take(":") { throw refusal("uses an unsupported kind of group") }
      let inner = try alternatives()
      guard take(")") else { throw refusal("has an unclosed group") }
      depth -= 1
      return inner
    case "[": return .one(try characterClass())
    case ".": return .one { $0 != "\n" }
    case "\\": return .one(try escape())
    case "*", "+", "?", "{": throw refusal("repeats nothing")
    case "^": return .edge(.start)
    case "$": return .edge(.end)
    default: return .one { $0 == scalar }
    }
  }

  private mutating func escape() throws -> @Sendable (Unicode.Scalar) -> Bool {
    guard at < scalars.count else { throw refusal("ends with a backslash") }
    let scalar = scalars[at]
    at += 1
    switch scalar {
    case "d": return { $0.properties.numericType == .decimal }
    case "D": return { $0.properties.numericType != .decimal }
    case "w": return { isWordScalar($0) }
    case "W": return { !isWordScalar($0) }
    case _ where scalar.isASCII && scalar != "_" && isWordScalar(scalar):
      throw refusal("uses the escape \\\(scalar)")
    default: return { $0 == scalar }
    }
  }

  private mutating func characterClass() throws -> @Sendable (Unicode.Scalar) -> Bool {
    let isNegated = take("^")
    var members: [@Sendable (Unicode.Scalar) -> Bool] = []
    var isFirst = true
    while at < scalars.count, scalars[at] != "]" || isFirst {
      isFirst = false
      try grow(1)
      let low = scalars[at]
      at += 1
      if low == "\\" {
        members.append(try escape())
      } else if at + 1 < scalars.count, scalars[at] == "-", scalars[at + 1] != "]" {
        let high = scalars[at + 1]
        guard low <= high, high != "\\" else { throw refusal("has a class with an invalid range") }
        at += 2
        members.append { (low...high).contains($0) }
      } else {
        members.append { $0 == low }
      }
    }
    guard take("]") else { throw refusal("has an unclosed class") }
    let all = members
    return { scalar in all.contains { $0(scalar) } != isNegated }
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard at < scalars.count, scalars[at] == scalar else { return false }
    at += 1
    return true
  }

  private mutating func grow(_ steps: Int) throws {
    size += steps
    if size > Self.maximumSize { throw refusal("is too large") }
  }

  private func refusal(_ what: String) -> Failure {
    Failure(
      .badData, "the pattern '\(text)' \(what)", advice: "write the pattern without it, or name the modules one by one")
  }
}

/// What `\w` is to Python: a letter, anything with a numeric value, or an underscore.
private func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
  default: scalar.properties.numericType != nil || scalar == "_"
  }
}

/// Thompson's construction, run on sets of states.
private struct Automaton: Sendable {
  private enum Step: Sendable {
    case take(@Sendable (Unicode.Scalar) -> Bool, next: Int)
    case pass(Edge, next: Int)
    case split([Int])
    case end
  }

  private var steps: [Step] = [.end]
  private var start = 0

  var count: Int { steps.count }

  init(_ expression: Expression) { start = add(expression, next: 0) }

  /// Adds the expression so that it continues at `next`; returns its first step.
  private mutating func add(_ expression: Expression, next: Int) -> Int {
    switch expression {
    case .one(let test): return append(.take(test, next: next))
    case .edge(let edge): return append(.pass(edge, next: next))
    case .sequence(let parts): return parts.reversed().reduce(next) { add($1, next: $0) }
    case .either(let choices): return append(.split(choices.map { add($0, next: next) }))
    case .many(let inner):
      let loop = append(.end)
      steps[loop] = .split([add(inner, next: loop), next])
      return loop
    }
  }

  private mutating func append(_ step: Step) -> Int {
    steps.append(step)
    return steps.count - 1
  }

  /// Whether the expression matches `path` to its end, from its start or from after one of its dots.
  func matches(_ path: [Unicode.Scalar]) -> Bool {
    var states: [Int] = []
    for (index, scalar) in path.enumerated() {
      if index == 0 || path[index - 1] == "." { states.append(start) }
      states = closure(states, at: index == 0 ? [.start] : []).compactMap { state in
        if case .take(let test, let next) = steps[state], test(scalar) { next } else { nil }
      }
    }
    if path.isEmpty || path.last == "." { states.append(start) }
    return closure(states, at: path.isEmpty ? [.start, .end] : [.end]).contains { state in
      if case .end = steps[state] { true } else { false }
    }
  }

  /// All states that can be reached from `starts` without consuming a scalar.
  private func closure(_ starts: [Int], at edges: Set<Edge>) -> [Int] {
    var seen = [Bool](repeating: false, count: steps.count)
    var open = starts
    var states: [Int] = []
    while let state = open.popLast() {
      if seen[state] { continue }
      seen[state] = true
      switch steps[state] {
      case .split(let nexts): open += nexts
      case .pass(let edge, let next): if edges.contains(edge) { open.append(next) }
      case .take, .end: states.append(state)
      }
    }
    return states
  }
}
