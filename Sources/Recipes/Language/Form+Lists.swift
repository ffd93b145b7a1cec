import Diagnostics
import JSON

extension Form {
  /// A list with at least one element, each with its place.
  static func list<Element>(of form: Form<Element>) -> Form where Value == [Located<Element>] {
    Form(
      options: ["a list"],
      schema: ["type": "array", "items": .object(form.schema), "minItems": 1],
      accepts: { $0.list != nil },
      read: { node, place in
        guard let nodes = node.list else { throw mismatch(node, at: place, due: "a list") }
        guard !nodes.isEmpty else { throw node.origin.failure("\(place.name) is an empty list") }
        var failures = Failures()
        let elements = try failures.map(nodes.enumerated()) { Located(try form.read($1, place / $0), $1.origin) }
        try failures.throwIfAny()
        return elements
      },
      write: { elements in .array(elements.compactMap { form.write($0.value) }) },
      explain: { elements, place in
        elements.enumerated().flatMap { form.explain($1.value, place / $0) ?? [] }
      })
  }

  /// One element, or a list of them.
  static func oneOrMany<Element>(of form: Form<Element>) -> Form where Value == [Located<Element>] {
    let one = form.mapped(
      { [Located($0, $1)] }, { (list: [Located<Element>]) in list.count == 1 ? list[0].value : nil })
    let many = list(of: form)
    // The canonical recipe always has the list.
    var either = oneOf(one, many)
    either.write = many.write
    return either
  }
}
