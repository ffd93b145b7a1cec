import Diagnostics

/// Rows of text in aligned columns.
///
/// Names come from other people's files, so each cell is displayed with ``oneLine(_:)``.
struct Table {
  private var rows: [[String]] = []
  private let numbers: Range<Int>

  /// - parameter numbers: The columns that are right-aligned.
  init(_ header: [String] = [], numbers: Range<Int> = 0..<0) {
    self.numbers = numbers
    if !header.isEmpty { rows.append(header) }
  }

  mutating func add(_ row: String...) { add(row) }

  mutating func add(_ row: [String]) { rows.append(row.map { oneLine($0) }) }

  /// The rows, one line each, without spaces at their ends.
  var text: String { text(PageLayout()) }

  /// The rows, with the first column, that of names, narrowed so that the table fits on the page.
  func text(_ page: PageLayout) -> String {
    let columns = rows.map(\.count).max() ?? 0
    var widths = (0..<columns).map { column in rows.map { $0.count > column ? displayWidth($0[column]) : 0 }.max() ?? 0
    }
    let excess = widths.reduce(0, +) + 2 * (columns - 1) - page.columns
    if page.shortensNames, columns > 0, excess > 0 { widths[0] = max(min(widths[0], 8), widths[0] - excess) }
    return rows.map { row in
      let cells = zip(row, widths).enumerated().map { column, cell in
        let text = column == 0 && page.shortensNames ? shortened(cell.0, to: cell.1) : cell.0
        let space = String(repeating: " ", count: max(0, cell.1 - displayWidth(text)))
        return numbers.contains(column) ? space + text : text + space
      }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}
