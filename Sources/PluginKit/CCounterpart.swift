/// A Swift enumeration whose cases correspond to the values of a C enumeration.
///
/// Enumerations of the contract are open: a value without a case is one that this version does not know.
protocol CCounterpart: CaseIterable {
  associatedtype CValue: Equatable

  /// The value in the contract.
  var cValue: CValue { get }
}

extension CCounterpart {
  /// The case for `value`, or nil if there is none.
  init?(_ value: CValue) {
    guard let known = Self.allCases.first(where: { $0.cValue == value }) else { return nil }
    self = known
  }
}

extension CCounterpart where CValue: RawRepresentable {
  /// The case for `value`; a value without one is refused as unsupported.
  init(known value: CValue, _ name: String) throws {
    guard let known = Self(value) else {
      throw PluginError("\(name) \(value.rawValue) is not known here", status: .unsupported)
    }
    self = known
  }
}
