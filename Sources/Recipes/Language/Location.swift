/// The path to a value of a recipe, written as in `--set`: `clients.0.weight`.
struct Location: Sendable {
  var path = ""

  static func / (location: Location, step: some CustomStringConvertible) -> Location {
    Location(path: location.path.isEmpty ? "\(step)" : "\(location.path).\(step)")
  }

  /// The value's name in a message.
  var name: String { path.isEmpty ? "the recipe" : "'\(path)'" }
}
