import JSON

/// A parameter of a plugin, declared where it is used.
///
/// For example:
///
///     @Parameter("Share of entries that are kept.", in: 0...1) var density: PerInput = 0.2
///
/// The name in recipes is that of the property in snake case. The host checks type and range before the plugin runs. An
/// optional parameter has no default.
@propertyWrapper
public struct Parameter<Value: ParameterValue> {
  private let box: Box
  private let help: String
  private let range: ClosedRange<Double>?
  private let unit: String?

  public var wrappedValue: Value { box.value }

  /// - parameters:
  ///   - wrappedValue: The default.
  ///   - help: What it means, in one sentence.
  ///   - range: The allowed values, for numbers.
  ///   - unit: The unit, if there is one.
  public init(wrappedValue: Value, _ help: String, in range: ClosedRange<Double>? = nil, unit: String? = nil) {
    self.help = help
    self.range = range
    self.unit = unit
    box = Box(wrappedValue)
  }

  private final class Box {
    let initial: Value
    var value: Value
    init(_ value: Value) { (initial, self.value) = (value, value) }
  }
}

/// The types of parameters: a number, an integer, a Boolean, a string, one of a few words, or one number per input.
public protocol ParameterValue {
  /// The JSON Schema of the type: at least `type`.
  static var schema: JSONObject { get }

  /// The value as JSON, or nil if there is none.
  var json: JSONValue? { get }

  /// The value that the host sent, or nil if it has another type.
  init?(_ sent: SentValue)
}

/// A value as the host sent it.
public enum SentValue: Equatable, Sendable {
  case number(Double)
  case integer(Int)
  case boolean(Bool)
  case text(String)
  /// One number for each input, in order.
  case numbers([Double])

  /// The value of a parameter, or nil if this version does not know its type.
  init?(_ parameter: clues_parameter) {
    switch parameter.type {
    case CLUES_PARAMETER_NUMBER: self = .number(parameter.number)
    case CLUES_PARAMETER_INTEGER: self = .integer(Int(parameter.integer))
    case CLUES_PARAMETER_BOOLEAN: self = .boolean(parameter.integer != 0)
    case CLUES_PARAMETER_TEXT:
      guard let text = parameter.text else { return nil }
      self = .text(String(cString: text))
    case CLUES_PARAMETER_NUMBERS:
      self = .numbers(Array(UnsafeBufferPointer(start: parameter.numbers, count: Int(parameter.count))))
    default: return nil
    }
  }
}

extension Double: ParameterValue {
  public static var schema: JSONObject { JSONObject([("type", "number")]) }
  public var json: JSONValue? { .number(self) }
  public init?(_ sent: SentValue) {
    switch sent {
    case .number(let number): self = number
    case .integer(let integer): self.init(integer)
    default: return nil
    }
  }
}

extension Int: ParameterValue {
  public static var schema: JSONObject { JSONObject([("type", "integer")]) }
  public var json: JSONValue? { JSONValue(self) }
  public init?(_ sent: SentValue) {
    guard case .integer(let integer) = sent else { return nil }
    self = integer
  }
}

extension Bool: ParameterValue {
  public static var schema: JSONObject { JSONObject([("type", "boolean")]) }
  public var json: JSONValue? { .bool(self) }
  public init?(_ sent: SentValue) {
    guard case .boolean(let boolean) = sent else { return nil }
    self = boolean
  }
}

extension String: ParameterValue {
  public static var schema: JSONObject { JSONObject([("type", "string")]) }
  public var json: JSONValue? { .string(self) }
  public init?(_ sent: SentValue) {
    guard case .text(let text) = sent else { return nil }
    self = text
  }
}

extension Optional: ParameterValue where Wrapped: ParameterValue {
  public static var schema: JSONObject { Wrapped.schema }
  public var json: JSONValue? { self?.json }
  public init?(_ sent: SentValue) {
    guard let value = Wrapped(sent) else { return nil }
    self = value
  }
}

/// One of a few words: an enumeration with strings as raw values.
public protocol ParameterChoice: ParameterValue, RawRepresentable, CaseIterable where RawValue == String {}

extension ParameterChoice {
  public static var schema: JSONObject {
    JSONObject([("type", "string"), ("enum", JSONValue(allCases.map(\.rawValue)))])
  }
  public var json: JSONValue? { .string(rawValue) }
  public init?(_ sent: SentValue) {
    guard case .text(let text) = sent else { return nil }
    self.init(rawValue: text)
  }
}

/// A number for each input of a merge; recipes may set it for all or for single clients.
public struct PerInput: ParameterValue, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  private let values: [Double]
  private let common: Double

  public init(floatLiteral value: Double) {
    self.init(values: [], common: value)
  }

  private init(values: [Double], common: Double) {
    self.values = values
    self.common = common
  }

  public init(integerLiteral value: Int) { self.init(floatLiteral: Double(value)) }

  /// The value for an input.
  public subscript(input: MergeInput) -> Double { values.isEmpty ? common : values[input.place] }

  public static var schema: JSONObject { JSONObject([("type", "number"), ("perInput", true)]) }
  public var json: JSONValue? { .number(common) }
  public init?(_ sent: SentValue) {
    switch sent {
    case .numbers(let values): self.init(values: values, common: .nan)
    case .number(let common): self.init(values: [], common: common)
    default: return nil
    }
  }
}

/// Parameters that several entries share: the parameters in a stored property of this type count as the entry's own.
public protocol ParameterGroup {}

/// A parameter of any type, as the library sees it.
protocol DeclaredParameter {
  var declaration: JSONObject { get }
  func take(_ sent: SentValue) -> Bool
}

extension Parameter: DeclaredParameter {
  var declaration: JSONObject {
    var schema = Value.schema
    schema["default"] = box.initial.json
    schema["minimum"] = range.flatMap { $0.lowerBound.isFinite ? .number($0.lowerBound) : nil }
    schema["maximum"] = range.flatMap { $0.upperBound.isFinite ? .number($0.upperBound) : nil }
    schema["description"] = .string(help)
    schema["unit"] = unit.map { .string($0) }
    return schema
  }

  func take(_ sent: SentValue) -> Bool {
    guard let value = Value(sent) else { return false }
    box.value = value
    return true
  }
}

extension PluginEntry {
  /// The declared parameters by their names in recipes.
  private var declaredParameters: [(name: String, parameter: DeclaredParameter)] { parameters(declaredIn: self) }

  /// The parameters as the properties of a JSON Schema.
  static var parameterSchema: String {
    JSONValue.object(JSONObject(Self().declaredParameters.map { ($0.name, .object($0.parameter.declaration)) })).text()
  }

  /// An entry with the parameters that the host sent.
  static func make(_ parameters: UnsafePointer<clues_parameters>?) throws -> Self {
    let entry = Self()
    let declared = entry.declaredParameters
    for place in 0..<Int(parameters?.pointee.count ?? 0) {
      guard let sent = parameters?.pointee.items[place]?.pointee else { continue }
      let name = String(cString: sent.name)
      guard let known = declared.first(where: { $0.name == name }) else {
        throw PluginError("\(id) has no parameter '\(name)'", status: .invalidArgument)
      }
      guard let value = SentValue(sent), known.parameter.take(value) else {
        throw PluginError("the parameter '\(name)' of \(id) has another type", status: .invalidArgument)
      }
    }
    try entry.validate()
    return entry
  }
}

private func parameters(declaredIn value: Any) -> [(name: String, parameter: DeclaredParameter)] {
  Mirror(reflecting: value).children.flatMap { child -> [(name: String, parameter: DeclaredParameter)] in
    if let label = child.label, let parameter = child.value as? DeclaredParameter {
      return [(snakeCase(label.drop { $0 == "_" }), parameter)]
    }
    return child.value is ParameterGroup ? parameters(declaredIn: child.value) : []
  }
}

private func snakeCase(_ name: Substring) -> String {
  name.reduce(into: "") { text, character in
    if character.isUppercase, !text.isEmpty { text += "_" }
    text += character.lowercased()
  }
}
