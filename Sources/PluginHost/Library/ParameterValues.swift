import CluesPluginABI
import Diagnostics
import JSON

/// A parameter's value in its declared type.
public enum ParameterValue: Sendable, Hashable {
  case number(Double)
  case integer(Int)
  case boolean(Bool)
  case text(String)
  /// One number for each input.
  case numbers([Double])

  public var json: JSONValue {
    switch self {
    case .number(let value): .number(value)
    case .integer(let value): JSONValue(value)
    case .boolean(let value): .bool(value)
    case .text(let value): .string(value)
    case .numbers(let values): .array(values.map { .number($0) })
    }
  }
}

/// All parameters of a plugin: the set values, checked, and the defaults of the others.
public struct ParameterValues: Sendable, Hashable {
  public private(set) var entries: [Entry]

  public struct Entry: Sendable, Hashable {
    public let name: String
    public var value: ParameterValue
    public var isDefault: Bool
  }

  /// - parameter settings: What the user set, by name.
  /// - throws: ``Failure`` `badRecipe` for names that the plugin does not have and values that it does not allow.
  public init(_ settings: [String: JSONValue] = [:], schema: ParameterSchema, of plugin: String) throws {
    var values: [String: ParameterValue] = [:]
    for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
      values[name] = try schema.check(name, value, of: plugin)
    }
    self.init(values, schema: schema)
  }

  /// - parameter values: The values that are set, checked against the schema.
  package init(_ values: [String: ParameterValue], schema: ParameterSchema) {
    entries = schema.declarations.compactMap { declaration in
      let value = values[declaration.name]
      return (value ?? declaration.checkedDefault).map {
        Entry(name: declaration.name, value: $0, isDefault: value == nil)
      }
    }
    entries.sort { $0.name < $1.name }
  }

  /// Sets one value for each input; the schema must allow this.
  public mutating func set(_ name: String, numbers: [Double], isDefault: Bool) {
    let entry = Entry(name: name, value: .numbers(numbers), isDefault: isDefault)
    if let index = entries.firstIndex(where: { $0.name == name }) {
      entries[index] = entry
    } else {
      entries.append(entry)
      entries.sort { $0.name < $1.name }
    }
  }

  public subscript(name: String) -> ParameterValue? { entries.first { $0.name == name }?.value }

  public var json: JSONValue { .object(JSONObject(entries.map { ($0.name, $0.value.json) })) }
}

/// A parameter as it is passed, valid or not.
package struct RawParameter {
  package var name: String
  package var type: clues_parameter_type
  package var number = 0.0
  package var integer: Int64 = 0
  package var text: String?
  package var numbers: [Double] = []
  package var isDefault = false

  package init(_ name: String, _ type: clues_parameter_type) {
    self.name = name
    self.type = type
  }

  package init(_ name: String, _ value: ParameterValue, isDefault: Bool = false) {
    self.name = name
    self.isDefault = isDefault
    switch value {
    case .number(let number): (type, self.number) = (CLUES_PARAMETER_NUMBER, number)
    case .integer(let integer):
      (type, self.integer, number) = (CLUES_PARAMETER_INTEGER, Int64(integer), Double(integer))
    case .boolean(let flag): (type, integer) = (CLUES_PARAMETER_BOOLEAN, flag ? 1 : 0)
    case .text(let text): (type, self.text) = (CLUES_PARAMETER_TEXT, text)
    case .numbers(let numbers): (type, self.numbers) = (CLUES_PARAMETER_NUMBERS, numbers)
    }
  }

  fileprivate func lent(in memory: some ContractMemory) -> UnsafePointer<clues_parameter> {
    var table = empty(clues_parameter.self)
    table.type = type
    table.flags = isDefault ? CLUES_PARAMETER_DEFAULTED.rawValue : 0
    table.name = memory.text(name)
    table.number = number
    table.integer = integer
    table.text = text.map { memory.text($0) }
    table.count = UInt32(numbers.count)
    table.numbers = memory.optionalArray("numbers", numbers)
    return memory.table("a parameter", table)
  }
}

extension [RawParameter] {
  /// The parameters as hosts pass these values.
  init(_ values: ParameterValues) {
    self = values.entries.map { RawParameter($0.name, $0.value, isDefault: $0.isDefault) }
  }

  package func lent(in memory: some ContractMemory) -> UnsafePointer<clues_parameters> {
    var table = empty(clues_parameters.self)
    table.count = UInt32(count)
    table.items = memory.list("the list of parameters", sorted { $0.name < $1.name }.map { $0.lent(in: memory) })
    return memory.table("the parameters", table)
  }
}
