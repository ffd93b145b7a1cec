import Testing

@testable import Recipes

@Suite struct NumeralTests {
  @Test(arguments: [("0", 0), ("-0", 0), ("8", 8), ("-12", -12), ("9223372036854775807", Int64.max)])
  func wholeNumbers(_ text: String, _ expected: Int64) {
    guard case .integer(expected) = Numeral(text) else {
      Issue.record("\(text) is \(Numeral(text))")
      return
    }
  }

  @Test(arguments: [("0.5", 0.5), ("-0.0", 0), ("1e3", 1000), ("2E-3", 0.002), ("0e9", 0), ("1.25e+2", 125)])
  func decimals(_ text: String, _ expected: Double) {
    guard case .number(expected) = Numeral(text) else {
      Issue.record("\(text) is \(Numeral(text))")
      return
    }
  }

  @Test(arguments: [
    "0x10", "0o17", "0b1", "-0x1", "010", "-007", "00", "1_000", "+1", ".5", "5.", "-.5", "1.e3", "1:30", "-1:30:00.5",
    ".inf", "-.Inf", "inf", "NaN", ".nan", "Infinity", "1e999", "1e-999", "9223372036854775808",
  ])
  func refusedNotations(_ text: String) {
    guard case .refused = Numeral(text) else {
      Issue.record("\(text) is \(Numeral(text))")
      return
    }
  }

  @Test(arguments: [
    "", "-", "+", ".", "e3", "7B", "1.2.3", "2024-01-01", "info", "none", "1e", "v1", "٣", "--1", "1 2", "..", "_",
    "-e3",
  ])
  func words(_ text: String) {
    guard case .word = Numeral(text) else {
      Issue.record("\(text) is \(Numeral(text))")
      return
    }
  }
}
