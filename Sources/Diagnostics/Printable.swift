/// The text on one line, with everything made visible that would control a terminal or change the reading direction.
///
/// Control characters, line and paragraph separators and Unicode's bidirectional controls become `\\u{1b}`.
public func printable(_ text: String) -> String {
  // Nearly all texts are ASCII, and looking up Unicode properties takes time.
  if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
  return text.unicodeScalars.reduce(into: "") { shown, scalar in
    if steersTerminal(scalar) {
      shown += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      shown.unicodeScalars.append(scalar)
    }
  }
}

/// An untrusted text as displayed in messages, notes and tables: on one line, printable, and cut if it is too long to read,
/// which the text says; of a word that fills whole lines only the two ends are kept.
public func oneLine(_ text: String) -> String {
  guard text.utf8.count > longestWord else { return printable(text) }
  let scalars = text.unicodeScalars
  let head = String(String.UnicodeScalarView(scalars.prefix(mostCharacters)))
  let rest = scalars.dropFirst(mostCharacters).count
  let words = printable(head).split(separator: " ", omittingEmptySubsequences: false)
    .map { $0.utf8.count > longestWord ? shortened(String($0), to: longestWord) : String($0) }
  return words.joined(separator: " ") + (rest > 0 ? "… (\(rest) characters more)" : "")
}

/// The maximum number of characters shown.
private let mostCharacters = 1500

/// The maximum number of columns of one word: paths and digests fit.
private let longestWord = 300

/// Whether a terminal obeys the character instead of showing it: controls, line separators, and changes of reading direction.
public func steersTerminal(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .lineSeparator, .paragraphSeparator: true
  default: scalar.properties.isBidiControl
  }
}

/// A name, quoted for a shell if necessary.
package func shellWord(_ name: String) -> String {
  let isPlain = name.unicodeScalars.allSatisfy {
    $0.properties.isAlphabetic || ("0"..."9").contains($0) || "._-+@%".unicodeScalars.contains($0)
  }
  return isPlain && !name.hasPrefix("-") ? name : "'\(name.replacing("'", with: "'\\''"))'"
}
