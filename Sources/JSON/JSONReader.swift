import Diagnostics

/// Reads JSON strictly: one value, no duplicate keys, bounded depth and size, every error with its location.
///
/// Foundation's reader forgets the order of keys, silently takes the last of two equal keys and refuses the `NaN` that
/// Python writes; all three matter for other people's files.
public struct JSONReader: Sendable {
  /// Limits for depth, number of values, and length of a line.
  public var limits: Limits

  /// Whether the literals `NaN`, `Infinity` and `-Infinity` count as numbers, as Python writes them.
  public var takesNonFiniteNumbers = false

  /// Keys whose objects are read as lists of `[key, value]`, equal keys and all.
  ///
  /// For large tables whose keys are told apart byte by byte, where Swift's strings call equivalent texts the same.
  public var keysOfTables: Set<String> = []

  public init(_ limits: Limits = Limits()) { self.limits = limits }

  /// Reads the single value in `bytes`.
  ///
  /// - throws: A ``Failure`` of kind `badData` with line and column.
  public func read(_ bytes: UnsafeRawBufferPointer) throws -> JSONValue {
    var cursor = Cursor(bytes: bytes, rules: self)
    return try cursor.document()
  }

  /// Reads the single value in `text`.
  public func read(_ text: String) throws -> JSONValue {
    var text = text
    return try text.withUTF8 { try read(UnsafeRawBufferPointer($0)) }
  }

  /// Reads JSON Lines: one value per line, blank lines skipped.
  ///
  /// `body` gets each value with its line number, counted from 1.
  public func readLines(_ bytes: UnsafeRawBufferPointer, _ body: (JSONValue, Int) throws -> Void) throws {
    var start = 0
    var line = 0
    while start < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
      let end = start + (rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.count)
      line += 1
      let text = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      do {
        guard text.count <= limits[.lineSize] else {
          throw Failure(
            beyond: .lineSize, "a line has \(text.count) bytes, more than the limit of \(limits[.lineSize])")
        }
        try body(try read(text), line)
      } catch var failure as Failure {
        failure.position = .init(line: line, column: failure.position?.column ?? 1)
        throw failure
      }
    }
  }
}

/// The reader's position in the text. Grammar: RFC 8259.
private struct Cursor {
  let bytes: UnsafeRawBufferPointer
  let rules: JSONReader
  let maximumDepth: Int
  let maximumValues: Int
  var at = 0
  var values = 0

  init(bytes: UnsafeRawBufferPointer, rules: JSONReader) {
    self.bytes = bytes
    self.rules = rules
    maximumDepth = rules.limits[.jsonDepth]
    maximumValues = rules.limits[.jsonValues]
  }

  mutating func document() throws -> JSONValue {
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    if at != bytes.count { throw failure("unexpected text after the end of the JSON value") }
    return value
  }

  private mutating func value(depth: Int, asTable: Bool = false) throws -> JSONValue {
    values += 1
    if values > maximumValues {
      throw placed(Failure(beyond: .jsonValues, "the JSON has more than \(maximumValues) values"))
    }
    if depth > maximumDepth {
      throw placed(Failure(beyond: .jsonDepth, "the JSON is nested deeper than \(maximumDepth) levels"))
    }
    guard at < bytes.count else { throw failure("unexpected end of JSON") }
    switch bytes[at] {
    case UInt8(ascii: "{"): return try asTable ? table(depth: depth) : object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "N"): return try nonFinite("NaN", .nan)
    case UInt8(ascii: "I"): return try nonFinite("Infinity", .infinity)
    case UInt8(ascii: "-") where at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "I"):
      return try nonFinite("-Infinity", -.infinity)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw failure("expected a JSON value")
    }
  }

  private mutating func object(depth: Int) throws -> JSONValue {
    var object = JSONObject()
    at += 1
    skipSpace()
    if take("}") { return .object(object) }
    while true {
      skipSpace()
      guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
        throw failure("expected a key in double quotes")
      }
      let position = at
      let key = try string()
      skipSpace()
      guard take(":") else { throw failure("expected ':' after the key") }
      skipSpace()
      let member = try value(depth: depth + 1, asTable: rules.keysOfTables.contains(key))
      if object[key] != nil {
        at = position
        if let pair = twoSpellings(among: object.keys + [key]) {
          throw placed(Failure(twoSpellingsOf: "a key", pair.first, pair.second))
        }
        throw failure("duplicate key '\(key)'")
      }
      object[key] = member
      skipSpace()
      if take(",") { continue }
      if take("}") { return .object(object) }
      throw failure("expected ',' or '}'")
    }
  }

  private mutating func table(depth: Int) throws -> JSONValue {
    var pairs: [JSONValue] = []
    at += 1
    skipSpace()
    if take("}") { return .array(pairs) }
    while true {
      skipSpace()
      guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
        throw failure("expected a key in double quotes")
      }
      let key = try string()
      skipSpace()
      guard take(":") else { throw failure("expected ':' after the key") }
      skipSpace()
      pairs.append(.array([.string(key), try value(depth: depth + 1)]))
      skipSpace()
      if take(",") { continue }
      if take("}") { return .array(pairs) }
      throw failure("expected ',' or '}'")
    }
  }

  private mutating func array(depth: Int) throws -> JSONValue {
    var elements: [JSONValue] = []
    at += 1
    skipSpace()
    if take("]") { return .array(elements) }
    while true {
      skipSpace()
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take(",") { continue }
      if take("]") { return .array(elements) }
      throw failure("expected ',' or ']'")
    }
  }

  private mutating func number() throws -> JSONValue {
    let start = at
    _ = take("-")
    let whole = digits()
    if whole == 0 { throw failure("expected a digit") }
    if whole > 1, bytes[at - whole] == UInt8(ascii: "0") { throw failure("a number cannot start with 0") }
    var isWhole = true
    if take(".") {
      isWhole = false
      if digits() == 0 { throw failure("expected a digit after the decimal point") }
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      if digits() == 0 { throw failure("expected a digit in the exponent") }
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    if isWhole, let integer = Int64(text) { return .integer(integer) }
    guard let double = Double(text), double.isFinite else { throw failure("the number \(text) is out of range") }
    return .number(double)
  }

  private mutating func digits() -> Int {
    let start = at
    while at < bytes.count, bytes[at] &- 0x30 < 10 { at += 1 }
    return at - start
  }

  private mutating func string() throws -> String {
    at += 1
    let start = at
    while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"), bytes[at] >= 0x20 {
      at += 1
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
      defer { at += 1 }
      return try utf8(bytes[start..<at])
    }
    var unescaped = Array(bytes[start..<at])
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        defer { at += 1 }
        return try unescaped.withUnsafeBytes { try utf8($0[...]) }
      case UInt8(ascii: "\\"):
        at += 1
        unescaped.append(contentsOf: try escape())
      case 0..<0x20:
        throw failure("a string contains a control character")
      case let byte:
        unescaped.append(byte)
        at += 1
      }
    }
    throw failure("unterminated string")
  }

  private mutating func escape() throws -> [UInt8] {
    guard at < bytes.count else { throw failure("unterminated string") }
    defer { at += 1 }
    switch bytes[at] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [bytes[at]]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var unit = try hexUnit()
      if (0xD800..<0xDC00).contains(unit), at + 2 < bytes.count, bytes[at + 1] == UInt8(ascii: "\\"),
        bytes[at + 2] == UInt8(ascii: "u")
      {
        at += 2
        let low = try hexUnit()
        guard (0xDC00..<0xE000).contains(low) else { throw failure("unpaired surrogate") }
        unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(unit) else { throw failure("unpaired surrogate") }
      return Array(String(Character(scalar)).utf8)
    default: throw failure("invalid escape")
    }
  }

  /// The four digits after `\u`; leaves the cursor on the last of them.
  private mutating func hexUnit() throws -> UInt32 {
    guard at + 4 < bytes.count,
      let unit = UInt32(String(decoding: bytes[(at + 1)...(at + 4)], as: UTF8.self), radix: 16),
      bytes[at + 1] != UInt8(ascii: "+"), bytes[at + 1] != UInt8(ascii: "-")
    else { throw failure("expected four hexadecimal digits after \\u") }
    at += 4
    return unit
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
    let length = word.utf8CodeUnitCount
    let expected = UnsafeRawBufferPointer(start: word.utf8Start, count: length)
    guard at + length <= bytes.count, bytes[at..<(at + length)].elementsEqual(expected) else {
      throw failure("expected a JSON value")
    }
    at += length
    return value
  }

  private mutating func nonFinite(_ word: StaticString, _ value: Double) throws -> JSONValue {
    let position = at
    let result = try literal(word, .number(value))
    guard rules.takesNonFiniteNumbers else {
      at = position
      throw failure("\(word) is not a JSON number")
    }
    return result
  }

  private func utf8(_ slice: Slice<UnsafeRawBufferPointer>) throws -> String {
    guard let text = String(validating: UnsafeRawBufferPointer(rebasing: slice), as: UTF8.self) else {
      throw failure("a string is not valid UTF-8")
    }
    guard !hasTooManyCombiningMarks(text) else {
      throw failure("a string has more than \(maximumCombiningMarks) combining marks in a row")
    }
    return text
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 { at += 1 }
  }

  private func failure(_ message: String) -> Failure { placed(Failure(.badData, message)) }

  private func placed(_ failure: Failure) -> Failure {
    var line = 1
    var lineStart = 0
    for position in 0..<min(at, bytes.count) where bytes[position] == 0x0A {
      line += 1
      lineStart = position + 1
    }
    var failure = failure
    failure.position = .init(line: line, column: at - lineStart + 1)
    return failure
  }
}
