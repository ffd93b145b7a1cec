import Diagnostics
import JSON

/// The parameters that a plugin declares: the subset of JSON Schema that clues_plugin.h names.
public struct ParameterSchema: Sendable, Equatable {
  public let declarations: [Declaration]

  /// One declared parameter.
  public struct Declaration: Sendable, Equatable {
    public let name: String
    public let type: ValueType
    public let description: String
    public let unit: String?
    /// The default; nil if the plugin decides for itself.
    public let defaultValue: JSONValue?
    /// The allowed values, if they can be enumerated.
    public let choices: [JSONValue]
    public let minimum: Bound?
    public let maximum: Bound?
    /// Whether recipes may set it for single clients.
    public let isPerInput: Bool
  }

  public enum ValueType: String, Sendable {
    case number, integer, boolean
    case text = "string"
  }

  public struct Bound: Sendable, Equatable {
    public let value: Double
    public let isIncluded: Bool
  }

  public subscript(name: String) -> Declaration? { declarations.first { $0.name == name } }

  /// The value of a parameter that the user set.
  ///
  /// - parameter plugin: Its name in errors.
  /// - throws: ``Failure`` `badRecipe` for an undeclared name or a value that is not allowed.
  package func check(_ name: String, _ value: JSONValue, of plugin: String) throws -> ParameterValue {
    guard let declaration = self[name] else {
      throw Failure(
        .badRecipe, "\(plugin) has no parameter '\(name)'",
        advice: suggestion(for: name, among: declarations.map(\.name)))
    }
    return try declaration.check(value)
  }

  /// Reads the properties in a plugin's descriptor.
  ///
  /// - throws: ``Failure`` `pluginFailed`: an invalid schema is a fault of the plugin.
  public init(text: String?) throws {
    do {
      try self.init(properties: text.map { try JSONReader().read($0) } ?? [:])
    } catch let failure as Failure where failure.kind != .pluginFailed {
      throw Failure(.pluginFailed, "its parameters are not JSON: \(failure.message)")
    }
  }

  /// Reads the properties of a JSON Schema.
  init(properties: JSONValue) throws {
    guard let members = properties.objectValue?.members else {
      throw Failure(.pluginFailed, "its parameters are \(properties.kindName) instead of an object")
    }
    declarations = try members.map { try Declaration(name: $0.key, $0.value) }
  }

  /// The schema as the properties of a JSON Schema, in a form that does not depend on the plugin's formatting.
  public var json: JSONValue {
    .object(JSONObject(declarations.map { ($0.name, .object($0.json)) }))
  }
}

extension ParameterSchema.Declaration {
  init(name: String, _ value: JSONValue) throws {
    func fault(_ message: String) -> Failure { Failure(.pluginFailed, "its parameter '\(name)' \(message)") }
    guard let object = value.objectValue else { throw fault("is \(value.kindName) instead of an object") }
    let known = [
      "type", "default", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "description", "unit",
      "perInput",
    ]
    if let unknown = object.keys.first(where: { !known.contains($0) }) {
      throw fault("uses the keyword '\(unknown)', which hosts do not know")
    }
    guard let type = object["type"]?.stringValue.flatMap(ParameterSchema.ValueType.init) else {
      throw fault("has none of the types number, integer, boolean, string")
    }
    func text(_ key: String) throws -> String? {
      guard let value = object[key] else { return nil }
      guard let text = value.stringValue else { throw fault("has a \(key) that is not a text") }
      return text
    }
    func bound(_ inclusive: String, _ exclusive: String) throws -> ParameterSchema.Bound? {
      guard object[inclusive] == nil || object[exclusive] == nil else {
        throw fault("has both \(inclusive) and \(exclusive)")
      }
      for (key, isIncluded) in [(inclusive, true), (exclusive, false)] {
        guard let limit = object[key] else { continue }
        guard type == .number || type == .integer else { throw fault("has a \(key), but is not a number") }
        guard let number = limit.doubleValue else { throw fault("has a \(key) that is not a number") }
        return .init(value: number, isIncluded: isIncluded)
      }
      return nil
    }
    self.name = name
    self.type = type
    description = try text("description") ?? ""
    unit = try text("unit")
    choices =
      try object["enum"].map { value in
        guard let choices = value.arrayValue, !choices.isEmpty else {
          throw fault("has an enum that is not a list of choices")
        }
        return choices
      } ?? []
    minimum = try bound("minimum", "exclusiveMinimum")
    maximum = try bound("maximum", "exclusiveMaximum")
    isPerInput =
      try object["perInput"].map { value in
        guard let flag = value.boolValue else { throw fault("has a perInput that is neither true nor false") }
        return flag
      } ?? false
    guard !isPerInput || type == .number else { throw fault("is perInput, but not a number") }
    defaultValue = object["default"].flatMap { $0.isNull ? nil : $0 }
    for (what, value) in choices.map({ ("choice", $0) }) + (defaultValue.map { [("default", $0)] } ?? []) {
      do {
        _ = try check(value)
      } catch let failure as Failure {
        throw fault("has a \(what) that breaks its own rules: \(failure.message)")
      }
    }
  }

  /// The value in the declared type.
  ///
  /// - throws: ``Failure`` `badRecipe` that says what is allowed.
  public func check(_ value: JSONValue) throws -> ParameterValue {
    func refused(_ what: String) -> Failure {
      Failure(
        .badRecipe, "'\(name)' must be \(expectation), not \(what)", advice: description.isEmpty ? nil : description)
    }
    guard choices.isEmpty || choices.contains(where: { isSame($0, value) }) else { throw refused(value.text()) }
    switch type {
    case .boolean:
      guard let flag = value.boolValue else { throw refused(value.text()) }
      return .boolean(flag)
    case .text:
      guard let text = value.stringValue, !text.utf8.contains(0) else { throw refused(value.text()) }
      return .text(text)
    case .integer:
      guard let integer = value.intValue, isInRange(Double(integer)) else { throw refused(value.text()) }
      return .integer(integer)
    case .number:
      guard let number = value.doubleValue, number.isFinite else {
        throw refused(value.doubleValue == nil ? value.text() : "a number that is not finite")
      }
      guard isInRange(number) else { throw refused(value.text()) }
      return .number(number)
    }
  }

  /// The default, which was checked when the declaration was read.
  package var checkedDefault: ParameterValue? { defaultValue.flatMap { try? check($0) } }

  /// What is allowed, in words: "a number from 0 to 1".
  public var expectation: String {
    if !choices.isEmpty { return "one of " + choices.map { $0.stringValue ?? $0.text() }.joined(separator: ", ") }
    let noun =
      switch type {
      case .number: "a number"
      case .integer: "a whole number"
      case .boolean: "true or false"
      case .text: "a text"
      }
    return noun + (range.map { " \($0)" } ?? "")
  }

  /// The range in words: "from 0 to 1", "above 0".
  public var range: String? {
    let low = minimum.map { $0.isIncluded ? "from \(format($0.value))" : "above \(format($0.value))" }
    let high = maximum.map { bound in
      bound.isIncluded ? (low == nil ? "at most" : "to") + " \(format(bound.value))" : "below \(format(bound.value))"
    }
    let words = [low, high].compactMap { $0 }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// Whether two JSON values are the same, numbers by value: 1 and 1.0 are.
  private func isSame(_ a: JSONValue, _ b: JSONValue) -> Bool {
    if let a = a.doubleValue, let b = b.doubleValue { return a == b }
    return a == b
  }

  private func format(_ number: Double) -> String {
    Int(exactly: number).map { String($0) } ?? String(number)
  }

  private func isInRange(_ number: Double) -> Bool {
    let aboveMinimum = minimum.map { $0.isIncluded ? number >= $0.value : number > $0.value } ?? true
    let belowMaximum = maximum.map { $0.isIncluded ? number <= $0.value : number < $0.value } ?? true
    return aboveMinimum && belowMaximum
  }

  fileprivate var json: JSONObject {
    var object = JSONObject([("type", .string(type.rawValue))])
    object["default"] = defaultValue
    object["enum"] = choices.isEmpty ? nil : .array(choices)
    if let minimum { object[minimum.isIncluded ? "minimum" : "exclusiveMinimum"] = .number(minimum.value) }
    if let maximum { object[maximum.isIncluded ? "maximum" : "exclusiveMaximum"] = .number(maximum.value) }
    object["description"] = .string(description)
    object["unit"] = unit.map { .string($0) }
    object["perInput"] = isPerInput ? true : nil
    return object
  }
}
