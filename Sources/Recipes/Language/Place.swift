/// The way to a value of a recipe, written as in `--set`: `clients.0.weight`.
struct Place: Sendable {
  var path = ""

  static func / (place: Place, step: some CustomStringConvertible) -> Place {
    Place(path: place.path.isEmpty ? "\(step)" : "\(place.path).\(step)")
  }

  /// The value's name in a message.
  var name: String { path.isEmpty ? "the recipe" : "'\(path)'" }
}
