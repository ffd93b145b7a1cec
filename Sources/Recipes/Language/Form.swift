import Diagnostics
import JSON

/// What may stand at a place of the language: one declaration for the reader, the schema, the canonical text and the
/// explanation, so that they cannot drift apart.
struct Form<Value: Sendable>: Sendable {
  /// What is due, the alternatives one by one.
  var options: [String]

  /// The words among what is due, for suggestions.
  var words: [String] = []

  /// The same as a JSON Schema.
  var schema: JSONObject

  /// Whether a node is meant for this form, which decides between alternatives.
  var accepts: @Sendable (Node) -> Bool

  /// The value of a node; throws a `badRecipe` with the node's place.
  var read: @Sendable (Node, Place) throws -> Value

  /// The value as it stands in the canonical recipe; nil if it belongs to another alternative.
  var write: @Sendable (Value) -> JSONValue?

  /// What the value decides; nil if it belongs to another alternative.
  var explain: @Sendable (Value, Place) -> [Decision]?
}

extension Form {
  /// What is due, as in "must be …".
  var due: String { listed(options, "or") }

  /// The failure for a node that is something else than what is due.
  static func mismatch(_ node: Node, at place: Place, due: String, words: [String] = [], advice: String? = nil)
    -> Failure
  {
    if node.isNothing { return node.origin.failure("\(place.name) has no value", advice: "it must be \(due)") }
    let near = node.text.flatMap { nearestName(to: $0, among: words) }
    return node.origin.failure(
      "\(place.name) must be \(due), not \(node.kindName)", advice: advice ?? near.map { "did you mean '\($0)'?" })
  }

  /// The same form for values of another type.
  func mapped<Other>(
    _ wrap: @escaping @Sendable (Value, Origin) -> Other, _ unwrap: @escaping @Sendable (Other) -> Value?
  ) -> Form<Other> {
    Form<Other>(
      options: options, words: words, schema: schema, accepts: accepts,
      read: { wrap(try read($0, $1), $0.origin) },
      write: { unwrap($0).flatMap(write) },
      explain: { other, place in unwrap(other).flatMap { explain($0, place) } })
  }

  /// One of several forms: the first that a node is meant for.
  static func oneOf(_ forms: Form...) -> Form {
    let options = forms.flatMap(\.options)
    let words = forms.flatMap(\.words)
    return Form(
      options: options, words: words,
      schema: JSONObject([("anyOf", .array(forms.map { .object($0.schema) }))]),
      accepts: { node in forms.contains { $0.accepts(node) } },
      read: { node, place in
        guard let form = forms.first(where: { $0.accepts(node) }) else {
          throw mismatch(node, at: place, due: listed(options, "or"), words: words)
        }
        return try form.read(node, place)
      },
      write: { value in forms.lazy.compactMap { $0.write(value) }.first },
      explain: { value, place in forms.lazy.compactMap { $0.explain(value, place) }.first })
  }
}

/// "a, b or c".
func listed(_ names: [String], _ word: String) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "" }
  return names.dropLast().joined(separator: ", ") + " \(word) \(last)"
}
