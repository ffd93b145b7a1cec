import Diagnostics
import JSON

/// What the language allows at a location: one declaration for the reader, the schema, the canonical text and the
/// explanation, so that they cannot drift apart.
struct Schema<Value: Sendable>: Sendable {
  /// What is expected, one alternative at a time.
  var options: [String]

  /// The words among the alternatives, for suggestions.
  var words: [String] = []

  /// The same as a JSON Schema.
  var jsonSchema: JSONObject

  /// Whether a node is intended for this schema, which decides between alternatives.
  var accepts: @Sendable (Node) -> Bool

  /// The value of a node; throws a `badRecipe` with the node's location.
  var read: @Sendable (Node, Location) throws -> Value

  /// The value as written in the canonical recipe; nil if it belongs to another alternative.
  var write: @Sendable (Value) -> JSONValue?

  /// What the value means; nil if it belongs to another alternative.
  var explain: @Sendable (Value, Location) -> [ExplainedValue]?
}

extension Schema {
  /// What is expected, as in "must be …".
  var due: String { listed(options, "or") }

  /// The failure for a node that is not what is expected.
  static func mismatch(_ node: Node, at location: Location, due: String, words: [String] = [], advice: String? = nil)
    -> Failure
  {
    if node.isNothing { return node.origin.failure("\(location.name) has no value", advice: "it must be \(due)") }
    let near = node.text.flatMap { nearestName(to: $0, among: words) }
    return node.origin.failure(
      "\(location.name) must be \(due), not \(node.kindName)", advice: advice ?? near.map { "did you mean '\($0)'?" })
  }

  /// The same schema for values of another type.
  func mapped<Other>(
    _ wrap: @escaping @Sendable (Value, Origin) -> Other, _ unwrap: @escaping @Sendable (Other) -> Value?
  ) -> Schema<Other> {
    Schema<Other>(
      options: options, words: words, jsonSchema: jsonSchema, accepts: accepts,
      read: { wrap(try read($0, $1), $0.origin) },
      write: { unwrap($0).flatMap(write) },
      explain: { other, location in unwrap(other).flatMap { explain($0, location) } })
  }

  /// One of several schemas: the first that a node is intended for.
  static func oneOf(_ schemas: Schema...) -> Schema {
    let options = schemas.flatMap(\.options)
    let words = schemas.flatMap(\.words)
    return Schema(
      options: options, words: words,
      jsonSchema: JSONObject([("anyOf", .array(schemas.map { .object($0.jsonSchema) }))]),
      accepts: { node in schemas.contains { $0.accepts(node) } },
      read: { node, location in
        guard let schema = schemas.first(where: { $0.accepts(node) }) else {
          throw mismatch(node, at: location, due: listed(options, "or"), words: words)
        }
        return try schema.read(node, location)
      },
      write: { value in schemas.lazy.compactMap { $0.write(value) }.first },
      explain: { value, location in schemas.lazy.compactMap { $0.explain(value, location) }.first })
  }
}

/// "a, b or c".
func listed(_ names: [String], _ word: String) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "" }
  return names.dropLast().joined(separator: ", ") + " \(word) \(last)"
}
