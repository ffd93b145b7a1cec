import JSON

/// One parameter of a plugin as the recipe sets it; whether the plugin has it is checked elsewhere.
public struct ParameterSetting: Sendable, Equatable {
  public var name: String

  /// A scalar, a list of scalars (over layers), or a list of objects of `filter` (a text) and `value` (a scalar or a
  /// list of scalars).
  public var value: JSONValue

  /// The place of the value.
  public var origin: Origin

  public init(name: String, value: JSONValue, origin: Origin) {
    self.name = name
    self.value = value
    self.origin = origin
  }

  /// Reads `key=value`, as `-p` takes it; the value means what it would in a recipe.
  ///
  /// - throws: ``Failure`` of kind `usage` if this is not `key=value`, `badRecipe` if there can be no such value.
  public init(option setting: String) throws {
    let override = try Override(parameter: setting, of: [])
    let location = override.path.reduce(Location()) { $0 / $1 }
    self.init(
      name: location.path, value: try Self.value(of: override.value, at: location), origin: override.value.origin)
  }
}
