import Diagnostics

/// The contents of a table cell.
enum Cell: Sendable {
  case text(String)
  /// A digest.
  case code(String)
  case whole(Int)
  /// Integers, of which the smallest and the largest are shown.
  case range([Int])
  /// A rounded number; the page has all of its digits too.
  case number(Double, NumberStyle)
  case none

  fileprivate var isNumber: Bool {
    switch self {
    case .whole, .range, .number: true
    default: false
    }
  }

  fileprivate var content: Markup {
    switch self {
    case .text(let text): Markup(text)
    case .code(let text): element("code") { text }
    case .whole(let value): element("data", ["value": "\(value)"]) { Reports.whole(value) }
    case .range(let values): Markup(span(values))
    case .number(let value, let style): element("data", ["value": "\(value)"]) { style.text(value) }
    case .none: Markup("–")
    }
  }
}

/// A table; the first cell of a row names it.
struct DataTable {
  let caption: String
  let headings: [String]
  let rows: [[Cell]]

  var markup: Markup {
    // A column is formatted as numbers if there is a number in it.
    let areNumbers = headings.indices.map { column in rows.contains { $0[column].isNumber } }
    return scrolling(caption) {
      element("table") {
        element("caption") { caption }
        element("thead") {
          element("tr") {
            for (heading, isNumber) in zip(headings, areNumbers) {
              element("th", ["scope": "col", "class": isNumber ? "n" : nil]) { heading }
            }
          }
        }
        element("tbody") {
          for row in rows {
            element("tr") {
              for (column, cell) in row.enumerated() {
                if column == 0 {
                  element("th", ["scope": "row"]) { cell.content }
                } else {
                  element("td", ["class": areNumbers[column] ? "n" : nil]) { cell.content }
                }
              }
            }
          }
        }
      }
    }
  }

  /// The table, collapsed below a chart.
  var folded: Markup {
    element("details") {
      element("summary") { "Table: \(caption)" }
      markup
    }
  }
}

/// A box that scrolls if its content is wider than the page.
func scrolling(_ label: String, @MarkupBuilder _ content: () -> Markup) -> Markup {
  element("div", ["class": "scroll", "role": "region", "aria-label": label, "tabindex": "0"], content)
}
