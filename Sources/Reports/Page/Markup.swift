import Diagnostics

/// A piece of the page: well-formed XML that is also valid HTML.
///
/// Text is always escaped, and names of elements and attributes are literals, so nothing from an archive can become markup.
struct Markup: Sendable {
  private(set) var source: String

  static let nothing = Markup(source: "")

  private init(source: String) { self.source = source }

  /// Text, with invisible characters made visible.
  init(_ text: String) { source = escaped(text) }

  /// Text whose lines stay lines.
  init(lines text: String) {
    source = text.split(separator: "\n", omittingEmptySubsequences: false).map { escaped(String($0)) }
      .joined(separator: "\n")
  }

  /// A built-in style sheet, which contains nothing that XML and HTML would read differently.
  init(styleSheet: String) { source = styleSheet }

  init(_ parts: [Markup]) { source = parts.reduce(into: "") { $0 += $1.source } }

  fileprivate init(
    element name: StaticString, _ attributes: KeyValuePairs<StaticString, String?>, _ content: Markup
  ) {
    var text = "<\(name)"
    for (key, value) in attributes {
      if let value { text += " \(key)=\"\(escaped(value))\"" }
    }
    let name = name.description
    if content.source.isEmpty, Self.childless.contains(name) {
      text += "/>"
    } else {
      text += ">" + content.source + "</\(name)>"
    }
    if Self.lines.contains(name) { text += "\n" }
    source = text
  }

  /// Elements that HTML lets close themselves: its void elements, and those of SVG.
  private static let childless: Set = ["meta", "circle", "line", "path", "rect"]

  /// Elements that end a line, so that two pages can be compared.
  private static let lines: Set = [
    "body", "caption", "dd", "desc", "details", "div", "dl", "dt", "figcaption", "figure", "footer", "g", "h1", "h2",
    "head", "header", "li", "main", "meta", "nav", "p", "pre", "section", "style", "summary", "svg", "table", "tbody",
    "text", "thead", "title", "tr", "ul",
  ]
}

/// An element with its attributes (those that are not nil) and what is in it.
func element(
  _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:],
  @MarkupBuilder _ content: () -> Markup = { .nothing }
) -> Markup {
  Markup(element: name, attributes, content())
}

@resultBuilder enum MarkupBuilder {
  static func buildExpression(_ part: Markup) -> Markup { part }
  static func buildExpression(_ text: String) -> Markup { Markup(text) }
  static func buildBlock(_ parts: Markup...) -> Markup { Markup(parts) }
  static func buildOptional(_ part: Markup?) -> Markup { part ?? .nothing }
  static func buildEither(first part: Markup) -> Markup { part }
  static func buildEither(second part: Markup) -> Markup { part }
  static func buildArray(_ parts: [Markup]) -> Markup { Markup(parts) }
}

/// The text without markup, characters that XML forbids, or characters that change the reading direction.
private func escaped(_ text: String) -> String {
  printable(text).unicodeScalars.reduce(into: "") { escaped, scalar in
    switch scalar {
    case "&": escaped += "&amp;"
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    case "\"": escaped += "&quot;"
    case "'": escaped += "&#39;"
    case "\u{FFFE}", "\u{FFFF}": escaped += "\\u{\(String(scalar.value, radix: 16))}"
    default: escaped.unicodeScalars.append(scalar)
    }
  }
}

/// A coordinate: at most two decimals, without trailing zeros.
func px(_ value: Double) -> String {
  let text = "\((value * 100).rounded() / 100)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
