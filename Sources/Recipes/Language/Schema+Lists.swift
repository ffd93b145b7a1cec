import Diagnostics
import JSON

extension Schema {
  /// A list with at least one element, each with its location.
  static func list<Element>(of schema: Schema<Element>) -> Schema where Value == [Located<Element>] {
    Schema(
      options: ["a list"],
      jsonSchema: ["type": "array", "items": .object(schema.jsonSchema), "minItems": 1],
      accepts: { $0.list != nil },
      read: { node, location in
        guard let nodes = node.list else { throw mismatch(node, at: location, due: "a list") }
        guard !nodes.isEmpty else { throw node.origin.failure("\(location.name) is an empty list") }
        var failures = Failures()
        let elements = try failures.map(nodes.enumerated()) { Located(try schema.read($1, location / $0), $1.origin) }
        try failures.throwIfAny()
        return elements
      },
      write: { elements in .array(elements.compactMap { schema.write($0.value) }) },
      explain: { elements, location in
        elements.enumerated().flatMap { schema.explain($1.value, location / $0) ?? [] }
      })
  }

  /// One element, or a list of them.
  static func oneOrMany<Element>(of schema: Schema<Element>) -> Schema where Value == [Located<Element>] {
    let one = schema.mapped(
      { [Located($0, $1)] }, { (list: [Located<Element>]) in list.count == 1 ? list[0].value : nil })
    let many = list(of: schema)
    // The canonical recipe always has the list.
    var either = oneOf(one, many)
    either.write = many.write
    return either
  }
}
