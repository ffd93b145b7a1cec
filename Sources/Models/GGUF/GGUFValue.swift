import JSON

/// A value of a GGUF file's metadata.
package enum GGUFValue: Sendable, Equatable {
  case integer(Int)

  /// An integer that does not fit in an `Int`.
  case unsigned(UInt64)
  case number(Double)
  case flag(Bool)
  case text(String)
  case array([GGUFValue])

  var integerValue: Int? { if case .integer(let value) = self { value } else { nil } }
  var numberValue: Double? { if case .number(let value) = self { value } else { nil } }
  var flagValue: Bool? { if case .flag(let value) = self { value } else { nil } }
  var textValue: String? { if case .text(let value) = self { value } else { nil } }
  var arrayValue: [GGUFValue]? { if case .array(let value) = self { value } else { nil } }

  /// The same as JSON.
  var json: JSONValue {
    switch self {
    case .integer(let value): JSONValue(value)
    case .unsigned(let value): .number(Double(value))
    case .number(let value): .number(value)
    case .flag(let value): .bool(value)
    case .text(let value): .string(value)
    case .array(let values): .array(values.map(\.json))
    }
  }
}
