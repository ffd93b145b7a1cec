import JSON

/// One key of a mapping: its name, its text, its schema, and the property that takes the value.
///
/// The default of a key is what a new object holds in that property.
struct FieldSchema<Subject: ObjectSchema>: Sendable {
  var name: String
  /// What the key is for: sentences, shown by editors, errors and the documentation.
  var text: String
  var isRequired: Bool
  var jsonSchema: JSONObject
  var read: @Sendable (Node, Location, inout Subject) throws -> Void
  /// The value in the canonical recipe; nil if there is none.
  var write: @Sendable (Subject) -> JSONValue?
  var explain: @Sendable (Subject, Location) -> [ExplainedValue]

  /// A key that always has a value, explicit or by default.
  static func key<Value>(
    _ name: String, _ property: any WritableKeyPath<Subject, Located<Value>> & Sendable, _ schema: Schema<Value>,
    isRequired: Bool = false, _ text: String
  ) -> FieldSchema {
    FieldSchema(
      name: name, text: text, isRequired: isRequired,
      jsonSchema: describe(
        schema, text, byDefault: isRequired ? nil : schema.write(Subject()[keyPath: property].value)),
      read: { node, location, subject in
        subject[keyPath: property] = Located(try schema.read(node, location), node.origin)
      },
      write: { schema.write($0[keyPath: property].value) },
      explain: { subject, location in decisions(subject[keyPath: property], schema, location) })
  }

  /// An optional key; `absent` says what its absence means, or nil if that goes without saying.
  static func key<Value>(
    _ name: String, _ property: any WritableKeyPath<Subject, Located<Value>?> & Sendable, _ schema: Schema<Value>,
    _ text: String, absent: @escaping @Sendable (Subject) -> String? = { _ in nil }
  ) -> FieldSchema {
    FieldSchema(
      name: name, text: text, isRequired: false,
      jsonSchema: describe(schema, text, byDefault: Subject()[keyPath: property].flatMap { schema.write($0.value) }),
      read: { node, location, subject in
        subject[keyPath: property] = Located(try schema.read(node, location), node.origin)
      },
      write: { $0[keyPath: property].flatMap { schema.write($0.value) } },
      explain: { subject, location in
        if let located = subject[keyPath: property] { return decisions(located, schema, location) }
        return absent(subject).map { [ExplainedValue(location: location, value: $0, isDefault: true)] } ?? []
      })
  }

  /// A key whose value is a collection of elements with locations of their own; if absent, it is empty.
  static func key<Element>(
    _ name: String, _ property: any WritableKeyPath<Subject, [Element]> & Sendable, _ schema: Schema<[Element]>,
    isRequired: Bool = false, _ text: String, absent: String? = nil
  ) -> FieldSchema {
    FieldSchema(
      name: name, text: text, isRequired: isRequired, jsonSchema: describe(schema, text, byDefault: nil),
      read: { node, location, subject in subject[keyPath: property] = try schema.read(node, location) },
      write: { subject in
        let elements = subject[keyPath: property]
        return elements.isEmpty ? nil : schema.write(elements)
      },
      explain: { subject, location in
        let elements = subject[keyPath: property]
        if !elements.isEmpty { return schema.explain(elements, location) ?? [] }
        return absent.map { [ExplainedValue(location: location, value: $0, isDefault: true)] } ?? []
      })
  }

  private static func decisions<Value>(_ located: Located<Value>, _ schema: Schema<Value>, _ location: Location)
    -> [ExplainedValue]
  {
    var decisions = schema.explain(located.value, location) ?? []
    if located.isDefault { for index in decisions.indices { decisions[index].isDefault = true } }
    return decisions
  }

  /// The schema, preceded by the key's own text, and the default.
  private static func describe<Value>(_ schema: Schema<Value>, _ text: String, byDefault: JSONValue?) -> JSONObject {
    var jsonSchema = schema.jsonSchema
    let more = jsonSchema["description"]?.stringValue.map { " " + $0 } ?? ""
    jsonSchema["description"] = .string(text + more)
    jsonSchema["default"] = byDefault
    return jsonSchema
  }
}
