/// The text on one line, with everything made visible that would steer a terminal or turn the reading direction.
///
/// Control characters, line and paragraph separators and Unicode's bidirectional controls become `\\u{1b}`.
public func printable(_ text: String) -> String {
  // Nearly all texts are plain, and to look Unicode's properties up takes its time.
  if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
  return text.unicodeScalars.reduce(into: "") { shown, scalar in
    if steersTerminal(scalar) {
      shown += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      shown.unicodeScalars.append(scalar)
    }
  }
}

/// The text as a message shows it: printable, and cut where it is longer than anybody reads, which the message says.
func shown(_ text: String) -> String {
  let most = 1500
  guard text.utf8.count > most else { return printable(text) }
  let scalars = text.unicodeScalars
  let rest = scalars.dropFirst(most)
  guard !rest.isEmpty else { return printable(text) }
  return printable(String(String.UnicodeScalarView(scalars.prefix(most)))) + "… (\(rest.count) characters more)"
}

private func steersTerminal(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .lineSeparator, .paragraphSeparator: true
  default: scalar.properties.isBidiControl
  }
}
