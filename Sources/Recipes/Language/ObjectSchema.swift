import Diagnostics
import JSON

/// A mapping of the language with fixed keys.
///
/// A new value holds the defaults; required keys are filled in by the reader.
protocol ObjectSchema: Sendable {
  init()

  /// The name of the mapping, for the schema.
  static var title: String { get }

  /// What a file is called whose root is this mapping.
  static var document: String { get }

  static var fields: [FieldSchema<Self>] { get }

  /// The rules between the keys.
  static var rules: [Rule<Self>] { get }

  /// Keys that belong elsewhere, and words of other programs, that users write in this mapping: for each, the intended
  /// location.
  static var elsewhere: [String: String] { get }

  /// Drops the defaults that other keys exclude.
  mutating func settle()
}

extension ObjectSchema {
  static var document: String { "the recipe" }
  static var rules: [Rule<Self>] { [] }
  static var elsewhere: [String: String] { [:] }
  mutating func settle() {}

  static var jsonSchema: JSONObject {
    var properties = JSONObject()
    for field in fields { properties[field.name] = .object(field.jsonSchema) }
    var jsonSchema: JSONObject = [
      "title": .string(title), "type": "object", "properties": .object(properties),
    ]
    let required = fields.filter(\.isRequired).map(\.name)
    if !required.isEmpty { jsonSchema["required"] = JSONValue(required) }
    jsonSchema["additionalProperties"] = false
    let conditions = rules.compactMap(\.jsonSchema)
    if !conditions.isEmpty { jsonSchema["allOf"] = .array(conditions) }
    return jsonSchema
  }

  static func read(_ node: Node, at location: Location) throws -> Self {
    guard let members = node.mapping else { throw Schema<Self>.mismatch(node, at: location, due: "a mapping") }
    let inside = location.path.isEmpty ? document : location.name
    var failures = Failures()
    for (index, member) in members.enumerated() {
      guard fields.contains(where: { $0.name == member.key }) else {
        failures.add(
          member.origin.failure(
            "unknown key '\(Node.shortened(member.key))' in \(inside)", advice: advice(about: member.key, at: location))
        )
        continue
      }
      if members[..<index].contains(where: { $0.key == member.key }) {
        failures.add(member.origin.failure("duplicate key '\(member.key)' in \(inside)"))
      }
    }
    // A misspelt key is not reported as missing too.
    let isMisspelt = !failures.isEmpty
    var object = Self()
    for field in fields {
      if let member = members.first(where: { $0.key == field.name }) {
        try failures.attempt { try field.read(member.value, location / field.name, &object) }
      } else if field.isRequired, !isMisspelt {
        failures.add(node.origin.failure("\(inside) has no '\(field.name)'", advice: field.text))
      }
    }
    // The rules apply only to values that are valid.
    try failures.throwIfAny()
    for rule in rules { try failures.attempt { try rule.check(object, node.origin) } }
    try failures.throwIfAny()
    object.settle()
    return object
  }

  /// What was probably meant by an unknown key.
  private static func advice(about key: String, at location: Location) -> String {
    let names = fields.map(\.name)
    if let meant = elsewhere[key] {
      // The right key, but one level too deep.
      return meant == key ? "'\(key)' belongs at the top level of \(document)" : "did you mean '\(meant)'?"
    }
    if nearestName(to: key, among: names) != nil { return suggestion(for: key, among: names) }
    let known = "known here: " + names.joined(separator: ", ")
    guard names.contains("parameters"), ParameterSetting.isName(key) else { return known }
    return "a parameter of the plugin is '\((location / "parameters" / Node.shortened(key)).path)'; \(known)"
  }

  func write() -> JSONValue {
    var object = JSONObject()
    for field in Self.fields { object[field.name] = field.write(self) }
    return .object(object)
  }

  func explain(at location: Location) -> [ExplainedValue] {
    Self.fields.flatMap { $0.explain(self, location / $0.name) }
  }
}

extension Schema where Value: ObjectSchema {
  static var object: Schema {
    Schema(
      options: ["a mapping"], jsonSchema: Value.jsonSchema,
      accepts: { $0.mapping != nil },
      read: { try Value.read($0, at: $1) },
      write: { $0.write() },
      explain: { $0.explain(at: $1) })
  }
}

/// A rule between the keys of a mapping, for the reader and, if the schema can express it, for the schema.
struct Rule<Subject: ObjectSchema>: Sendable {
  var jsonSchema: JSONValue?
  /// Throws if the rule is broken; gets the location of the mapping.
  var check: @Sendable (Subject, Origin) throws -> Void

  init(jsonSchema: JSONValue? = nil, _ check: @escaping @Sendable (Subject, Origin) throws -> Void) {
    self.jsonSchema = jsonSchema
    self.check = check
  }
}
