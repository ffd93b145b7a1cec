/// A value of a recipe with the place that it comes from.
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

  /// Whether nobody wrote the value down.
  public var isDefault: Bool { origin == .byDefault }

  public subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { value[keyPath: member] }
}

extension Located: Equatable where Value: Equatable {}
