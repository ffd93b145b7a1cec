/// A pattern that is a name: literals, and points, which stand for any scalar.
///
/// Nearly all patterns are of this kind, since PEFT writes whole paths, and leaves their points as they are.
struct PatternName: Sendable {
  /// The scalars, with a point at each place that any scalar fits.
  let scalars: [UInt32]
  /// Those places.
  let wildPlaces: [Int]
  /// Whether it must be the module's whole path, and not just its ending behind a point.
  let isWhole: Bool

  static let operators = Set("\\.+*?()[]{}|^$".unicodeScalars)

  /// Nil where the pattern is more than a name.
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
