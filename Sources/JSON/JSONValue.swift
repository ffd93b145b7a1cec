/// A JSON value that keeps the order of its keys.
///
/// Order matters: PEFT takes the first matching pattern in `rank_pattern`.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number written without fraction and exponent that fits into 64 bits.
  case integer(Int64)
  /// Any other number; not finite only if the reader was told to accept Python's `NaN` and `Infinity`.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of a JSON object, in the order of the file, each key once.
public struct JSONObject: Sendable, Equatable {
  public private(set) var members: [(key: String, value: JSONValue)]
  /// The positions of keys, once there are too many for linear search. With a dictionary for every object, a file of small
  /// objects would take about fifty times its size.
  private var places: [String: Int]

  private static let fewMembers = 8

  public init() {
    members = []
    places = [:]
  }

  private func place(of key: String) -> Int? {
    members.count > Self.fewMembers ? places[key] : members.firstIndex { $0.key == key }
  }

  private mutating func indexMembers() {
    places =
      members.count > Self.fewMembers
      ? Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1.key, $0) }) : [:]
  }

  /// The members in the order given; of equal keys the last one counts, at the position of the first.
  public init(_ members: [(String, JSONValue)]) {
    self.init()
    for (key, value) in members { self[key] = value }
  }

  public var keys: [String] { members.map(\.key) }
  public var isEmpty: Bool { members.isEmpty }
  public var count: Int { members.count }

  public subscript(key: String) -> JSONValue? {
    get { place(of: key).map { members[$0].value } }
    set {
      switch (place(of: key), newValue) {
      case (let place?, let value?):
        members[place].value = value
      case (nil, let value?):
        members.append((key, value))
        if members.count == Self.fewMembers + 1 { indexMembers() } else if !places.isEmpty { places[key] = count - 1 }
      case (let place?, nil):
        members.remove(at: place)
        indexMembers()
      case (nil, nil):
        break
      }
    }
  }

  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.count == b.count && zip(a.members, b.members).allSatisfy { $0.key == $1.key && $0.value == $1.value }
  }
}

extension JSONValue {
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }
  public var isNull: Bool { self == .null }

  /// Whether both mean the same: unlike `==`, this ignores the order of members, and whether a number is written as `8` or
  /// `8.0`.
  public func isEquivalent(to other: JSONValue) -> Bool {
    switch (self, other) {
    case (.object(let a), .object(let b)):
      a.count == b.count && a.members.allSatisfy { member in b[member.key]?.isEquivalent(to: member.value) == true }
    case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.isEquivalent(to: $1) }
    case (.integer, .number), (.number, .integer): doubleValue == other.doubleValue
    default: self == other
    }
  }

  /// The number, if this is one; integers are converted.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The integer, if this is one exactly (`8` and `8.0` both are).
  public var intValue: Int? {
    switch self {
    case .integer(let value): Int(exactly: value)
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  /// What kind of value this is, for messages.
  public var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }

  public init(_ value: String?) { self = value.map { .string($0) } ?? .null }
  public init(_ value: Int) { self = .integer(Int64(value)) }
  public init(_ values: [String]) { self = .array(values.map { .string($0) }) }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

/// A number, or null if it is not finite.
package func number(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }
