/// The meaning of a plain scalar as a number.
///
/// Numbers are written as in JSON. The other notations of YAML 1.1 and 1.2 (0x10, 010, 1_000, 1:30, .5, .inf) mean
/// different things to different readers, so none is accepted.
enum Numeral {
  case integer(Int64)
  case number(Double)
  /// An unsupported notation, and what to do about it.
  case refused(advice: String)
  /// Not a number at all.
  case word

  init(_ text: String) {
    guard let first = text.utf8.first, "+-.0123456789iInN".utf8.contains(first), text.utf8.count <= 400 else {
      self = .word
      return
    }
    switch Notation(text) {
    case .whole: self = Int64(text).map { .integer($0) } ?? .refused(advice: "integers have at most 64 bits")
    case .decimal(let isZero):
      // A number too small for the type would silently be 0.
      if let number = Double(text), number.isFinite, (number == 0) == isZero {
        self = .number(number)
      } else {
        self = .refused(advice: "the number is out of the range of a 64-bit float")
      }
    case .other: self = Self.advice(against: text.lowercased()).map { .refused(advice: $0) } ?? .word
    }
  }

  /// How a text is written, by the grammar of RFC 8259, section 6.
  private enum Notation {
    case whole
    case decimal(isZero: Bool)
    case other

    init(_ text: String) {
      var rest = Substring(text).utf8
      func take(_ set: StaticString) -> Bool {
        guard let byte = rest.first, String(describing: set).utf8.contains(byte) else { return false }
        rest.removeFirst()
        return true
      }
      func digits() -> Substring.UTF8View {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        rest = rest[digits.endIndex...]
        return digits
      }
      _ = take("-")
      let whole = digits()
      self = .other
      guard let lead = whole.first, lead != 0x30 || whole.count == 1 else { return }
      if rest.isEmpty {
        self = .whole
        return
      }
      var isZero = lead == 0x30
      if take(".") {
        let fraction = digits()
        if fraction.isEmpty { return }
        isZero = isZero && fraction.allSatisfy { $0 == 0x30 }
      }
      if take("eE") {
        _ = take("+-")
        if digits().isEmpty { return }
      }
      if rest.isEmpty { self = .decimal(isZero: isZero) }
    }
  }

  /// Advice about a notation that looks like a number; nil for a word.
  ///
  /// Scanned by hand: a recipe may hold a hundred thousand words that start like numbers, for which a regular expression
  /// engine takes minutes.
  private static func advice(against text: String) -> String? {
    let bytes = Array(text.utf8)
    let unsigned = bytes[((bytes.first.map { $0 == 0x2B || $0 == 0x2D } ?? false) ? 1 : 0)...]
    if isNotFinite(unsigned) { return "write a finite number" }
    if isOfAnotherBase(unsigned) { return "write it in decimal" }
    if isOfBaseSixty(unsigned) { return "YAML 1.1 would read this in base 60; write it in decimal" }
    guard isDecimal(unsigned) else { return nil }
    if bytes.contains(underscore) { return "write it without underscores" }
    if bytes.first == 0x2B { return "write it without the plus sign" }
    if unsigned.count > 1, unsigned.first == 0x30, isDigit(unsigned[unsigned.startIndex + 1]) {
      return "write it without leading zeros"
    }
    return "write digits on both sides of the point"
  }

  private static let underscore = UInt8(ascii: "_")

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  private static func isDigitOrUnderscore(_ byte: UInt8) -> Bool { isDigit(byte) || byte == underscore }

  /// `.inf`, `infinity`, `nan` and the like.
  private static func isNotFinite(_ text: ArraySlice<UInt8>) -> Bool {
    let word = text.first == UInt8(ascii: ".") ? text.dropFirst() : text
    return ["inf", "infinity", "nan"].contains { word.elementsEqual($0.utf8) }
  }

  /// `0x1F`, `0o17`, `0b1`.
  private static func isOfAnotherBase(_ text: ArraySlice<UInt8>) -> Bool {
    guard text.count > 2, text.first == 0x30 else { return false }
    let digits = text.dropFirst(2)
    switch text[text.startIndex + 1] {
    case UInt8(ascii: "x"):
      return digits.allSatisfy { isDigitOrUnderscore($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
    case UInt8(ascii: "o"): return digits.allSatisfy { $0 &- 0x30 < 8 || $0 == underscore }
    case UInt8(ascii: "b"): return digits.allSatisfy { $0 &- 0x30 < 2 || $0 == underscore }
    default: return false
    }
  }

  /// `1:30`, `190:20:30.15`.
  private static func isOfBaseSixty(_ text: ArraySlice<UInt8>) -> Bool {
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count > 1, let lead = parts[0].first, isDigit(lead), parts[0].allSatisfy(isDigitOrUnderscore) else {
      return false
    }
    for (position, part) in parts.enumerated().dropFirst() {
      let isLast = position == parts.count - 1
      let point = isLast ? part.firstIndex(of: UInt8(ascii: ".")) : nil
      let whole = part[..<(point ?? part.endIndex)]
      guard (1...2).contains(whole.count), whole.allSatisfy(isDigit), whole.count == 1 || whole.first! <= 0x35,
        point.map({ part[($0 + 1)...].allSatisfy(isDigitOrUnderscore) }) ?? true
      else { return false }
    }
    return true
  }

  /// Digits and underscores, with a point and an exponent if wanted, and a digit before the exponent.
  private static func isDecimal(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text.drop(while: isDigitOrUnderscore)
    if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop(while: isDigitOrUnderscore) }
    guard text[..<rest.startIndex].contains(where: isDigit) else { return false }
    if rest.isEmpty { return true }
    guard rest.first == UInt8(ascii: "e") else { return false }
    rest = rest.dropFirst()
    if let sign = rest.first, sign == 0x2B || sign == 0x2D { rest = rest.dropFirst() }
    return !rest.isEmpty && rest.allSatisfy(isDigit)
  }
}
