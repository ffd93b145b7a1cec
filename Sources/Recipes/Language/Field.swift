import JSON

/// One key of a mapping: its name, its text, its form, and the property that takes the value.
///
/// The default of a key is what a new record holds in that property.
struct Field<Subject: Record>: Sendable {
  var name: String
  /// What the key is for: sentences, shown by editors, errors and the documentation.
  var text: String
  var isRequired: Bool
  var schema: JSONObject
  var read: @Sendable (Node, Place, inout Subject) throws -> Void
  /// The value in the canonical recipe; nil if there is none.
  var write: @Sendable (Subject) -> JSONValue?
  var explain: @Sendable (Subject, Place) -> [Decision]

  /// A key that always has a value: written down, or by default.
  static func key<Value>(
    _ name: String, _ property: any WritableKeyPath<Subject, Located<Value>> & Sendable, _ form: Form<Value>,
    isRequired: Bool = false, _ text: String
  ) -> Field {
    Field(
      name: name, text: text, isRequired: isRequired,
      schema: describe(form, text, byDefault: isRequired ? nil : form.write(Subject()[keyPath: property].value)),
      read: { node, place, subject in
        subject[keyPath: property] = Located(try form.read(node, place), node.origin)
      },
      write: { form.write($0[keyPath: property].value) },
      explain: { subject, place in decisions(subject[keyPath: property], form, place) })
  }

  /// A key that may have no value; `absent` says what that means, or nil where it need not be said.
  static func key<Value>(
    _ name: String, _ property: any WritableKeyPath<Subject, Located<Value>?> & Sendable, _ form: Form<Value>,
    _ text: String, absent: @escaping @Sendable (Subject) -> String? = { _ in nil }
  ) -> Field {
    Field(
      name: name, text: text, isRequired: false,
      schema: describe(form, text, byDefault: Subject()[keyPath: property].flatMap { form.write($0.value) }),
      read: { node, place, subject in
        subject[keyPath: property] = Located(try form.read(node, place), node.origin)
      },
      write: { $0[keyPath: property].flatMap { form.write($0.value) } },
      explain: { subject, place in
        if let located = subject[keyPath: property] { return decisions(located, form, place) }
        return absent(subject).map { [Decision(place: place, value: $0, isDefault: true)] } ?? []
      })
  }

  /// A key whose value is a collection of things that bear their places themselves; absent, it is empty.
  static func key<Element>(
    _ name: String, _ property: any WritableKeyPath<Subject, [Element]> & Sendable, _ form: Form<[Element]>,
    isRequired: Bool = false, _ text: String, absent: String? = nil
  ) -> Field {
    Field(
      name: name, text: text, isRequired: isRequired, schema: describe(form, text, byDefault: nil),
      read: { node, place, subject in subject[keyPath: property] = try form.read(node, place) },
      write: { subject in
        let elements = subject[keyPath: property]
        return elements.isEmpty ? nil : form.write(elements)
      },
      explain: { subject, place in
        let elements = subject[keyPath: property]
        if !elements.isEmpty { return form.explain(elements, place) ?? [] }
        return absent.map { [Decision(place: place, value: $0, isDefault: true)] } ?? []
      })
  }

  private static func decisions<Value>(_ located: Located<Value>, _ form: Form<Value>, _ place: Place) -> [Decision] {
    var decisions = form.explain(located.value, place) ?? []
    if located.isDefault { for index in decisions.indices { decisions[index].isDefault = true } }
    return decisions
  }

  /// The form's schema with the key's own text in front, and the default.
  private static func describe<Value>(_ form: Form<Value>, _ text: String, byDefault: JSONValue?) -> JSONObject {
    var schema = form.schema
    let more = schema["description"]?.stringValue.map { " " + $0 } ?? ""
    schema["description"] = .string(text + more)
    schema["default"] = byDefault
    return schema
  }
}
