import Diagnostics

/// A key of `rank_pattern` or `alpha_pattern`: a regular expression that names modules.
///
/// PEFT takes the first key for which `^(.*\.)?(KEY)$` matches the module's path. Keys come from other people's files, so
/// the match is a simulation of the automaton in time linear in both lengths: no pattern can make it run away.
/// Understood are literals, `.`, escapes, classes, groups, `|`, `*`, `+`, `?` and `{m,n}`; anything else is refused.
public struct ModulePattern: Sendable {
  public let text: String
  private let automaton: Automaton

  /// - throws: ``Failure`` `badData` for what is no regular expression, or one that is not understood.
  public init(_ text: String) throws {
    self.text = text
    var parser = Parser(text)
    automaton = Automaton(try parser.expression())
  }

  /// Whether PEFT would apply this key to the module.
  public func matches(_ module: String) -> Bool {
    let path = Array(module.unicodeScalars)
    let starts = [0] + path.indices.filter { path[$0] == "." }.map { $0 + 1 }
    return starts.contains { automaton.matches(path[$0...]) }
  }

  /// The text as a pattern that matches just this.
  public static func escape(_ module: String) -> String {
    module.unicodeScalars.reduce(into: "") { pattern, scalar in
      if "\\.+*?()[]{}|^$".unicodeScalars.contains(scalar) { pattern += "\\" }
      pattern.unicodeScalars.append(scalar)
    }
  }
}

private indirect enum Expression {
  case empty
  case one(@Sendable (Unicode.Scalar) -> Bool)
  case sequence(Expression, Expression)
  case either(Expression, Expression)
  case many(Expression)
}

private struct Parser {
  private let scalars: [Unicode.Scalar]
  private let text: String
  private var at = 0
  private var depth = 0
  /// How many single steps the pattern has after counting out `{m,n}`.
  private var size = 0

  private static let maximumSize = 4096
  private static let maximumDepth = 32

  init(_ text: String) {
    self.text = text
    scalars = Array(text.unicodeScalars)
  }

  mutating func expression() throws -> Expression {
    let whole = try alternatives()
    if at < scalars.count { throw refusal("has a closing parenthesis too many") }
    return whole
  }

  private mutating func alternatives() throws -> Expression {
    var result = try sequence()
    while take("|") { result = .either(result, try sequence()) }
    return result
  }

  private mutating func sequence() throws -> Expression {
    var result = Expression.empty
    while at < scalars.count, scalars[at] != "|", scalars[at] != ")" {
      result = .sequence(result, try repeated())
    }
    return result
  }

  private mutating func repeated() throws -> Expression {
    let start = size
    var result = try single()
    while at < scalars.count {
      if take("*") {
        result = .many(result)
      } else if take("+") {
        result = .sequence(result, .many(result))
      } else if take("?") {
        result = .either(.empty, result)
      } else if take("{") {
        result = try counted(result, steps: size - start)
      } else {
        return result
      }
      if take("?") || take("+") { throw refusal("uses lazy or possessive repetition") }
    }
    return result
  }

  private mutating func counted(_ one: Expression, steps: Int) throws -> Expression {
    let low = number()
    let hasComma = take(",")
    let high = hasComma ? number() : low
    guard take("}"), let low = low ?? (hasComma ? 0 : nil) else {
      throw refusal("has a repetition that is not understood")
    }
    let most = high ?? low
    guard most >= low, most <= 1000 else { throw refusal("repeats more often than is sensible") }
    try grow(steps * most)
    var result = Expression.empty
    for _ in 0..<low { result = .sequence(result, one) }
    if hasComma, high == nil { return .sequence(result, .many(one)) }
    var rest = Expression.empty
    for _ in low..<most { rest = .either(.empty, .sequence(one, rest)) }
    return .sequence(result, rest)
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
      if depth > Self.maximumDepth { throw refusal("nests too deep") }
      if take("?"), !take(":") { throw refusal("uses a group that is not understood") }
      let inner = try alternatives()
      guard take(")") else { throw refusal("has a group that is not closed") }
      depth -= 1
      return inner
    case "[": return .one(try characterClass())
    case ".": return .one { $0 != "\n" }
    case "\\": return .one(try escape())
    case "*", "+", "?", "{": throw refusal("repeats nothing")
    case "^", "$": throw refusal("uses an anchor")
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
    case "w": return { $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_" }
    case "W": return { !($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_") }
    case _ where scalar.properties.isAlphabetic || scalar.properties.numericType != nil:
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
      let low = scalars[at]
      at += 1
      if low == "\\" {
        members.append(try escape())
      } else if at + 1 < scalars.count, scalars[at] == "-", scalars[at + 1] != "]" {
        let high = scalars[at + 1]
        guard low <= high, high != "\\" else { throw refusal("has a class whose range is not understood") }
        at += 2
        members.append { (low...high).contains($0) }
      } else {
        members.append { $0 == low }
      }
    }
    guard take("]") else { throw refusal("has a class that is not closed") }
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

/// Thompson's construction, run on sets of states.
private struct Automaton: Sendable {
  private enum Step: Sendable {
    case take(@Sendable (Unicode.Scalar) -> Bool, next: Int)
    case split(Int, Int)
    case end
  }

  private var steps: [Step] = [.end]
  private var start = 0

  init(_ expression: Expression) { start = add(expression, next: 0) }

  /// Adds the expression so that it goes on at `next`; gives its first step.
  private mutating func add(_ expression: Expression, next: Int) -> Int {
    switch expression {
    case .empty: return next
    case .one(let test): return append(.take(test, next: next))
    case .sequence(let first, let second): return add(first, next: add(second, next: next))
    case .either(let first, let second):
      let first = add(first, next: next)
      return append(.split(first, add(second, next: next)))
    case .many(let inner):
      let loop = append(.end)
      steps[loop] = .split(add(inner, next: loop), next)
      return loop
    }
  }

  private mutating func append(_ step: Step) -> Int {
    steps.append(step)
    return steps.count - 1
  }

  func matches(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
    var states = closure([start])
    for scalar in text {
      states = closure(
        states.compactMap { state in
          if case .take(let test, let next) = steps[state], test(scalar) { next } else { nil }
        })
      if states.isEmpty { return false }
    }
    return states.contains { if case .end = steps[$0] { true } else { false } }
  }

  private func closure(_ starts: [Int]) -> [Int] {
    var seen = [Bool](repeating: false, count: steps.count)
    var open = starts
    var states: [Int] = []
    while let state = open.popLast() {
      if seen[state] { continue }
      seen[state] = true
      if case .split(let first, let second) = steps[state] {
        open.append(first)
        open.append(second)
      } else {
        states.append(state)
      }
    }
    return states
  }
}
