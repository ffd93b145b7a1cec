/// A pattern that is just a name: literals and dots, which match any scalar.
///
/// Nearly all patterns are of this kind, because PEFT writes full paths without escaping their dots.
struct PatternName: Sendable {
  /// The scalars, with a dot at each position that matches any scalar.
  let scalars: [UInt32]
  /// These positions.
  let wildPlaces: [Int]
  /// Whether it must be the module's full path, and not just a suffix after a dot.
  let isWhole: Bool

  static let operators = Set("\\.+*?()[]{}|^$".unicodeScalars)

  /// Nil if the pattern is more than a name.
  init?(_ text: String) {
    var rest = text.unicodeScalars[...]
    isWhole = rest.first == "^"
    if isWhole { rest.removeFirst() }
    var scalars: [UInt32] = []
    var wildPlaces: [Int] = []
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\\":
        guard let escaped = rest.popFirst(), Self.operators.contains(escaped) else { return nil }
        scalars.append(escaped.value)
      case ".":
        wildPlaces.append(scalars.count)
        scalars.append(scalar.value)
      default:
        guard !Self.operators.contains(scalar) else { return nil }
        scalars.append(scalar.value)
      }
    }
    guard !scalars.isEmpty else { return nil }
    self.scalars = scalars
    self.wildPlaces = wildPlaces
  }
}
