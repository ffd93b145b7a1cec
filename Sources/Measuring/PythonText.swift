import Datasets

/// Python's text functions, by which the figures of answers are defined.
enum PythonText {
  /// `str.lower()`: Unicode's full mapping, with final sigma.
  static func lowercased(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    var lower = String.UnicodeScalarView()
    for (place, scalar) in scalars.enumerated() {
      if scalar == "\u{3A3}", isFinal(place, of: scalars) {
        lower.append("\u{3C2}")
      } else {
        lower.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return String(lower)
  }

  /// Whether a cased letter precedes and none follows, ignoring case-ignorable characters.
  private static func isFinal(_ place: Int, of scalars: [Unicode.Scalar]) -> Bool {
    let before = scalars[..<place].last { !$0.properties.isCaseIgnorable }
    let behind = scalars[(place + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && behind?.properties.isCased != true
  }

  /// `str.split()`.
  static func words(_ text: String) -> [String] {
    text.unicodeScalars.split { String.pythonBlanks.contains($0) }.map { String($0) }
  }

  /// Whether `re` counts it as a word character.
  static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber:
      true
    default: scalar == "_"
    }
  }
}
