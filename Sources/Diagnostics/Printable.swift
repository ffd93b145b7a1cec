/// The text on one line, with everything made visible that would steer a terminal or turn the reading direction.
///
/// Control characters, line and paragraph separators and Unicode's bidirectional controls become `\\u{1b}`.
public func printable(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "") { shown, scalar in
    if steersTerminal(scalar) {
      shown += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      shown.unicodeScalars.append(scalar)
    }
  }
}

private func steersTerminal(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .lineSeparator, .paragraphSeparator: true
  default: scalar.properties.isBidiControl
  }
}
