import Datasets

/// What Python makes of a text: the figures of answers are defined by programs in it.
enum PythonText {
  /// `str.lower()`: every character by Unicode's full mapping, and a sigma at a word's end as such.
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

  /// Whether a cased letter stands before the place and none behind it, but for what does not count.
  private static func isFinal(_ place: Int, of scalars: [Unicode.Scalar]) -> Bool {
    let before = scalars[..<place].last { !$0.properties.isCaseIgnorable }
    let behind = scalars[(place + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && behind?.properties.isCased != true
  }

  /// `str.split()`.
  static func words(_ text: String) -> [String] {
    text.unicodeScalars.split { String.pythonBlanks.contains($0) }.map { String($0) }
  }

  /// Whether the character is of a word for `re`.
  static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber:
      true
    default: scalar == "_"
    }
  }
}
