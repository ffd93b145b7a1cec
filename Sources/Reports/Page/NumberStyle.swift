import Foundation

/// The format of the numbers of a column or an axis, so that they line up: all with the same decimals.
///
/// Numbers too large or too small for that are written with powers of ten.
struct NumberStyle: Sendable {
  private let decimals: Int
  private let usesPowers: Bool
  private let factor: Double
  private let unit: String

  /// - parameters:
  ///   - values: The numbers to be written.
  ///   - digits: The number of digits of the largest one.
  init(_ values: some Sequence<Double>, digits: Int = 4) { self.init(values, digits: digits, factor: 1, unit: "") }

  /// Shares, written in percent.
  init(shares: some Sequence<Double>, digits: Int = 3) {
    self.init(shares, digits: digits, factor: 100, unit: "\u{202F}%")
  }

  /// As many decimals as needed to distinguish the ticks of an axis.
  init(axisTo largest: Double, step: Double) {
    let digits = Self.exponent(of: largest) - Self.exponent(of: step) + 1
    self.init(CollectionOfOne(largest), digits: digits)
  }

  private init(_ values: some Sequence<Double>, digits: Int, factor: Double, unit: String) {
    let exponent = Self.exponent(of: values.reduce(0) { max($0, abs($1 * factor)) })
    usesPowers = !(-5...8).contains(exponent)
    decimals = min(12, max(0, digits - 1 - exponent))
    self.factor = factor
    self.unit = unit
  }

  private static func exponent(of value: Double) -> Int {
    value != 0 && value.isFinite ? Int(log10(abs(value)).rounded(.down)) : 0
  }

  func text(_ value: Double) -> String {
    let value = value * factor
    guard value.isFinite else { return value.isNaN ? "–" : value > 0 ? "∞" : "−∞" }
    let written =
      usesPowers || abs(value) >= 1e9
      ? Self.powerOfTen(abs(value)) : Self.grouped(String(format: "%.\(decimals)f", abs(value)))
    let isZero = !written.contains { ("1"..."9").contains($0) }
    return (value < 0 && !isZero ? "−" : "") + written + unit
  }

  /// From 10 000, thousands are separated by a narrow space.
  private static func grouped(_ text: String) -> String {
    let whole = text.prefix { $0 != "." }
    guard whole.count > 4 else { return text }
    var grouped = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { grouped += "\u{202F}" }
      grouped.append(digit)
    }
    return grouped + text.dropFirst(whole.count)
  }

  private static func powerOfTen(_ size: Double) -> String {
    guard size > 0 else { return "0" }
    let parts = String(format: "%.3e", size).split(separator: "e")
    let mantissa = trimmed(String(parts[0]))
    let superscripts = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let power = Int(parts[1]) ?? 0
    return mantissa + "×10" + (power < 0 ? "⁻" : "")
      + String("\(abs(power))".compactMap { $0.wholeNumberValue.map { superscripts[$0] } })
  }
}

/// The decimals without zeros at their end.
private func trimmed(_ text: String) -> String {
  String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
}

/// A number by itself, with four significant digits.
func short(_ value: Double) -> String {
  let text = NumberStyle(CollectionOfOne(value)).text(value)
  guard text.contains(".") else { return text }
  return trimmed(text)
}

/// A share by itself, in percent.
func percent(_ share: Double) -> String { NumberStyle(shares: CollectionOfOne(share)).text(share) }

/// An integer by itself.
func whole(_ count: Int) -> String { NumberStyle(axisTo: Double(count), step: 1).text(Double(count)) }

/// "1 client", "2 clients".
func counted(_ count: Int, _ noun: String) -> String { "\(whole(count)) \(noun)\(count == 1 ? "" : "s")" }
