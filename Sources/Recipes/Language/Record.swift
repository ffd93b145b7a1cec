import Diagnostics
import JSON

/// A mapping of the language with fixed keys.
///
/// A new value holds the defaults; required keys are filled in by the reader.
protocol Record: Sendable {
  init()

  /// The name of the mapping, for the schema.
  static var title: String { get }

  static var fields: [Field<Self>] { get }

  /// What must hold between the keys.
  static var rules: [Rule<Self>] { get }

  /// The keys of other places, and words of other programs, that are looked for in this mapping: for each, the place
  /// that is meant.
  static var elsewhere: [String: String] { get }

  /// Drops the defaults that other keys rule out.
  mutating func settle()
}

extension Record {
  static var rules: [Rule<Self>] { [] }
  static var elsewhere: [String: String] { [:] }
  mutating func settle() {}

  static var schema: JSONObject {
    var properties = JSONObject()
    for field in fields { properties[field.name] = .object(field.schema) }
    var schema: JSONObject = [
      "title": .string(title), "type": "object", "properties": .object(properties),
    ]
    let required = fields.filter(\.isRequired).map(\.name)
    if !required.isEmpty { schema["required"] = JSONValue(required) }
    schema["additionalProperties"] = false
    let conditions = rules.compactMap(\.schema)
    if !conditions.isEmpty { schema["allOf"] = .array(conditions) }
    return schema
  }

  static func read(_ node: Node, at place: Place) throws -> Self {
    guard let members = node.mapping else { throw Form<Self>.mismatch(node, at: place, due: "a mapping") }
    let inside = place.path.isEmpty ? "the recipe" : place.name
    var failures = Failures()
    for (index, member) in members.enumerated() {
      guard fields.contains(where: { $0.name == member.key }) else {
        failures.add(
          member.origin.failure(
            "unknown key '\(Node.shortened(member.key))' in \(inside)", advice: advice(about: member.key, at: place)))
        continue
      }
      if members[..<index].contains(where: { $0.key == member.key }) {
        failures.add(member.origin.failure("the key '\(member.key)' stands twice in \(inside)"))
      }
    }
    // A key that is written wrongly is not missing as well.
    let isMisspelt = !failures.isEmpty
    var record = Self()
    for field in fields {
      if let member = members.first(where: { $0.key == field.name }) {
        try failures.attempt { try field.read(member.value, place / field.name, &record) }
      } else if field.isRequired, !isMisspelt {
        failures.add(node.origin.failure("\(inside) has no '\(field.name)'", advice: field.text))
      }
    }
    // The rules are about values that stand.
    try failures.throwIfAny()
    for rule in rules { try failures.attempt { try rule.check(record, node.origin) } }
    try failures.throwIfAny()
    record.settle()
    return record
  }

  /// What was probably meant by a key that the mapping does not have.
  private static func advice(about key: String, at place: Place) -> String {
    let names = fields.map(\.name)
    if let meant = elsewhere[key] {
      // Right in itself, but a step too far in.
      return meant == key ? "'\(key)' stands at the top of the recipe" : "did you mean '\(meant)'?"
    }
    if nearestName(to: key, among: names) != nil { return suggestion(for: key, among: names) }
    let known = "known here: " + names.joined(separator: ", ")
    guard names.contains("parameters"), ParameterSetting.isName(key) else { return known }
    return "a parameter of the plugin is '\((place / "parameters" / Node.shortened(key)).path)'; \(known)"
  }

  func write() -> JSONValue {
    var object = JSONObject()
    for field in Self.fields { object[field.name] = field.write(self) }
    return .object(object)
  }

  func explain(at place: Place) -> [Decision] { Self.fields.flatMap { $0.explain(self, place / $0.name) } }
}

extension Form where Value: Record {
  static var record: Form {
    Form(
      options: ["a mapping"], schema: Value.schema,
      accepts: { $0.mapping != nil },
      read: { try Value.read($0, at: $1) },
      write: { $0.write() },
      explain: { $0.explain(at: $1) })
  }
}

/// What must hold between the keys of a mapping, once for the reader and, where it can be said there, for the schema.
struct Rule<Subject: Record>: Sendable {
  var schema: JSONValue?
  /// Throws if the rule is broken; gets the place of the mapping.
  var check: @Sendable (Subject, Origin) throws -> Void

  init(schema: JSONValue? = nil, _ check: @escaping @Sendable (Subject, Origin) throws -> Void) {
    self.schema = schema
    self.check = check
  }
}
