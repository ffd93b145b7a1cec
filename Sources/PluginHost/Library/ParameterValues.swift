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

  /// Values that a host has already checked.
  init(checked entries: [Entry]) { self.entries = entries }

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

extension ParameterValues {
  /// The C form, valid as long as `arena`.
  func table(in arena: Arena) -> UnsafePointer<clues_parameters> {
    let items = entries.map { entry -> UnsafePointer<clues_parameter>? in
      var item = clues_parameter()
      item.struct_size = CLUES_PARAMETER_SIZE
      item.flags = entry.isDefault ? CLUES_PARAMETER_DEFAULTED.rawValue : 0
      item.name = arena.text(entry.name)
      switch entry.value {
      case .number(let value):
        item.type = CLUES_PARAMETER_NUMBER
        item.number = value
      case .integer(let value):
        item.type = CLUES_PARAMETER_INTEGER
        item.integer = Int64(value)
        item.number = Double(value)
      case .boolean(let value):
        item.type = CLUES_PARAMETER_BOOLEAN
        item.integer = value ? 1 : 0
      case .text(let value):
        item.type = CLUES_PARAMETER_TEXT
        item.text = arena.text(value)
      case .numbers(let values):
        item.type = CLUES_PARAMETER_NUMBERS
        item.count = UInt32(values.count)
        item.numbers = arena.array(values)
      }
      return arena.value(item)
    }
    var table = clues_parameters()
    table.struct_size = CLUES_PARAMETERS_SIZE
    table.count = UInt32(items.count)
    table.items = arena.array(items)
    return arena.value(table)
  }
}
