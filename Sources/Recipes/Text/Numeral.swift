import Foundation

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
    guard let first = text.utf8.first, text.utf8.count <= 400 else {
      self = .word
      return
    }
    guard "+-.0123456789iInN".utf8.contains(first) else {
      self = .word
      return
    }
    if text.wholeMatch(of: /-?(0|[1-9][0-9]*)/) != nil {
      self = Int64(text).map { .integer($0) } ?? .refused(advice: "whole numbers have at most 64 bits")
    } else if text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?/) != nil {
      let hasDigits = text.prefix { $0 != "e" && $0 != "E" }.contains { ("1"..."9").contains($0) }
      if let number = Double(text), number.isFinite, number != 0 || !hasDigits {
        self = .number(number)
      } else {
        self = .refused(advice: "the number is out of the range of a 64-bit float")
      }
    } else if let advice = Self.advice(against: text.lowercased()) {
      self = .refused(advice: advice)
    } else {
      self = .word
    }
  }

  private static func advice(against text: String) -> String? {
    if text.wholeMatch(of: /[+\-]?\.?(inf|infinity|nan)/) != nil { return "write a finite number" }
    if text.wholeMatch(of: /[+\-]?0x[0-9a-f_]+|[+\-]?0o[0-7_]+|[+\-]?0b[01_]+/) != nil { return "write it in decimal" }
    if text.wholeMatch(of: /[+\-]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?/) != nil {
      return "YAML 1.1 would read this in base 60; write it in decimal"
    }
    guard text.wholeMatch(of: /[+\-]?[0-9_]*\.?[0-9_]*(e[+\-]?[0-9]+)?/) != nil, text.contains(where: \.isNumber) else {
      return nil
    }
    if text.contains("_") { return "write it without underscores" }
    if text.hasPrefix("+") { return "write it without the plus sign" }
    if text.wholeMatch(of: /-?0[0-9].*/) != nil { return "write it without leading zeros" }
    return "write digits on both sides of the point"
  }
}
