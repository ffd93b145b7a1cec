/// What a plain scalar says when it is read as a number.
///
/// Numbers are written as in JSON. The other notations of YAML 1.1 and 1.2 (0x10, 010, 1_000, 1:30, .5, .inf) mean
/// different things to different readers, so we take none of them.
enum Numeral {
  case integer(Int64)
  case number(Double)
  /// A notation that we do not take, and what to do about it.
  case refused(advice: String)
  /// Not a number at all.
  case word

  init(_ text: String) {
    guard let first = text.utf8.first, "+-.0123456789iInN".utf8.contains(first), text.utf8.count <= 400 else {
      self = .word
      return
    }
    switch Notation(text) {
    case .whole: self = Int64(text).map { .integer($0) } ?? .refused(advice: "whole numbers have at most 64 bits")
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

  private static func advice(against text: String) -> String? {
    if text.wholeMatch(of: /[+\-]?\.?(inf|infinity|nan)/) != nil { return "write a finite number" }
    if text.wholeMatch(of: /[+\-]?0x[0-9a-f_]+|[+\-]?0o[0-7_]+|[+\-]?0b[01_]+/) != nil { return "write it in decimal" }
    if text.wholeMatch(of: /[+\-]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?/) != nil {
      return "YAML 1.1 would read this in base 60; write it in decimal"
    }
    guard text.wholeMatch(of: /[+\-]?[0-9_]*\.?[0-9_]*(e[+\-]?[0-9]+)?/) != nil,
      text.prefix(while: { $0 != "e" }).contains(where: { $0 >= "0" && $0 <= "9" })
    else { return nil }
    if text.contains("_") { return "write it without underscores" }
    if text.hasPrefix("+") { return "write it without the plus sign" }
    if text.wholeMatch(of: /-?0[0-9].*/) != nil { return "write it without leading zeros" }
    return "write digits on both sides of the point"
  }
}
