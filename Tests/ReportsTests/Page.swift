import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// A page as an XML parser that knows nothing of us reads it.
final class Page: NSObject, XMLParserDelegate {
  struct Element {
    let name: String
    let attributes: [String: String]
    var text = ""
    var children: [Element] = []

    /// The element itself and all that is in it, of a kind.
    func all(_ name: String) -> [Element] { (self.name == name ? [self] : []) + children.flatMap { $0.all(name) } }

    /// Everything that there is to read in it.
    var wholeText: String { text + children.map(\.wholeText).joined(separator: " ") }
  }

  private var open: [Element] = []
  private var finished: Element?

  /// Fails the test where the page is not well-formed.
  static func read(_ html: String, _ place: SourceLocation = #_sourceLocation) throws -> Element {
    let page = Page()
    let parser = XMLParser(data: Data(html.utf8))
    parser.delegate = page
    let isRead = parser.parse()
    try #require(isRead, "line \(parser.lineNumber): \(String(describing: parser.parserError))", sourceLocation: place)
    return try #require(page.finished, sourceLocation: place)
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    open.append(Element(name: name, attributes: attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) { open[open.count - 1].text += text }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    let element = open.removeLast()
    if open.isEmpty { finished = element } else { open[open.count - 1].children.append(element) }
  }
}

extension Page.Element {
  /// The numbers of a table's column, by the caption and the heading.
  func numbers(_ caption: String, _ heading: String) throws -> [Double?] {
    let table = try #require(all("table").first { $0.all("caption").first?.wholeText == caption })
    let headings = try #require(table.all("thead").first).all("th").map(\.wholeText)
    let column = try #require(headings.firstIndex(of: heading))
    return try #require(table.all("tbody").first).all("tr").map { row in
      row.children.filter { $0.name != "" }[column].all("data").first.flatMap { Double($0.attributes["value"] ?? "") }
    }
  }

  var sectionIds: [String] { all("section").compactMap { $0.attributes["id"] } }
}
