import Diagnostics
import JSON

/// The settings of a config, each of which must be understood, or be known to change nothing.
///
/// A setting that is null counts as absent, which is how transformers reads most of them; where it is not so, ``isNull(_:)``
/// tells.
struct Settings {
  private let object: JSONObject
  private let prefix: String
  private var asked: Set<String> = []

  /// - parameter prefix: What the names have in front in messages, `rope_scaling.`.
  init(_ object: JSONObject, prefix: String = "") {
    self.object = object
    self.prefix = prefix
  }

  func isNull(_ key: String) -> Bool { object[key]?.isNull ?? false }

  /// The value, unless it is absent or null.
  mutating func value(_ key: String) -> JSONValue? {
    asked.insert(key)
    return object[key].flatMap { $0.isNull ? nil : $0 }
  }

  mutating func flag(_ key: String, default standard: Bool = false) throws -> Bool {
    guard let value = value(key) else { return standard }
    guard let flag = value.boolValue else { throw mismatch(key, value, "true or false is expected") }
    return flag
  }

  mutating func text(_ key: String) throws -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value.stringValue else { throw mismatch(key, value, "a text is expected") }
    return text
  }

  /// A whole number from `least` to what any model has.
  mutating func count(_ key: String, from least: Int = 1, to most: Int = Self.mostElements) throws -> Int? {
    guard let value = value(key) else { return nil }
    guard let count = value.intValue, (least...most).contains(count) else {
      throw mismatch(key, value, "a whole number from \(least) to \(most) is expected")
    }
    return count
  }

  /// A count without which there is no model.
  mutating func required(_ key: String, to most: Int = Self.mostElements) throws -> Int {
    guard let count = try count(key, to: most) else { throw absent(key) }
    return count
  }

  /// A number above zero.
  mutating func number(_ key: String) throws -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.doubleValue, number.isFinite, number > 0 else {
      throw mismatch(key, value, "a number above 0 is expected")
    }
    return number
  }

  mutating func requiredNumber(_ key: String) throws -> Double {
    guard let number = try number(key) else { throw absent(key) }
    return number
  }

  /// Along one axis no model has as many elements; what is allocated by a config alone stays small.
  static let mostElements = 1 << 24

  /// Refuses the settings that nobody asked for, unless they are off or `harmless`.
  func refuseOthers(harmless: Set<String> = []) throws {
    for (key, value) in object.members where !asked.contains(key) && !harmless.contains(key) && !value.isOff {
      throw Failure(
        .badData, "the setting '\(prefix)\(key)' is not understood, and may change what the model computes",
        advice: "if it changes nothing, take it out of the config")
    }
  }

  func absent(_ key: String) -> Failure { Failure(.badData, "has no setting '\(prefix)\(key)'") }

  func mismatch(_ key: String, _ value: JSONValue, _ due: String) -> Failure {
    Failure(.badData, "the setting '\(prefix)\(key)' is \(value.shown), where \(due)")
  }
}

extension JSONValue {
  /// Whether a setting says that something is not there.
  fileprivate var isOff: Bool {
    switch self {
    case .null, .bool(false): true
    case .array(let elements): elements.isEmpty
    case .object(let members): members.isEmpty
    default: false
    }
  }

  /// A value as messages show it.
  var shown: String {
    switch self {
    case .string(let text): "'\(text)'"
    case .bool(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    default: kindName
    }
  }
}
