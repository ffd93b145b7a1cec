/// A value of a recipe with its origin.
///
/// Members of the value can be read through it: `recipe.merge?.method` is a `Located<String>?`.
@dynamicMemberLookup
public struct Located<Value: Sendable>: Sendable {
  public var value: Value
  public var origin: Origin

  public init(_ value: Value, _ origin: Origin = .byDefault) {
    self.value = value
    self.origin = origin
  }

  /// Whether the value is a default.
  public var isDefault: Bool { origin == .byDefault }

  public subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { value[keyPath: member] }
}

extension Located: Equatable where Value: Equatable {}
