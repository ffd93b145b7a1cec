import Diagnostics
import JSON

extension Recipe {
  /// The limits that a recipe sets; all others have their defaults.
  public struct LimitSettings: Sendable {
    private var chosen: [Limit: Located<Int>] = [:]

    subscript(limit: Limit) -> Located<Int>? {
      get { chosen[limit] }
      set { chosen[limit] = newValue }
    }
  }

  /// The limits for reading the clients' bundles.
  public var readingLimits: Limits {
    var all = Limits()
    for limit in Limit.allCases { if let value = limits?.value[limit]?.value { all[limit] = value } }
    return all
  }
}

extension Recipe.LimitSettings: ObjectSchema {
  static let title = "Limits"

  static let fields: [FieldSchema<Self>] = Limit.allCases.filter { !$0.isOfRecipes }.map { limit in
    .key(
      limit.rawValue, \.[limit], .limit(limit),
      "Limit of \(limit.meaning); by default \(limit.text(of: limit.byDefault)).")
  }
}

extension Schema where Value == Int {
  /// The value of a limit: an integer; sizes may have a unit.
  static func limit(_ limit: Limit) -> Schema {
    var jsonSchema: JSONObject = ["type": "integer", "minimum": 0]
    if limit.maximum != .max { jsonSchema["maximum"] = JSONValue(limit.maximum) }
    if limit.isSize {
      let units = Limit.units.map(\.name).joined(separator: "|")
      jsonSchema["type"] = ["integer", "string"]
      jsonSchema["pattern"] = .string("^[0-9]+ *(\(units))?$")
    }
    return Schema(
      options: [limit.due], jsonSchema: jsonSchema,
      accepts: { $0.text != nil },
      read: { node, location in
        guard let text = limit.isSize ? node.text : node.plainText, let value = limit.value(of: text) else {
          throw mismatch(node, at: location, due: limit.due)
        }
        return value
      },
      write: { JSONValue($0) },
      explain: { [ExplainedValue(location: $1, value: limit.text(of: $0), meaning: limit.meaning)] })
  }
}
