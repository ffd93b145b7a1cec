import Diagnostics
import Foundation

/// Rows of text in columns that line up.
///
/// Names from other people's files come in here, so each cell is shown as ``oneLine(_:)`` does.
struct Table {
  private var rows: [[String]] = []
  private let numbers: Range<Int>

  /// - parameter numbers: The columns that are set flush right.
  init(_ header: [String] = [], numbers: Range<Int> = 0..<0) {
    self.numbers = numbers
    if !header.isEmpty { rows.append(header) }
  }

  mutating func add(_ row: String...) { add(row) }

  mutating func add(_ row: [String]) { rows.append(row.map { oneLine($0) }) }

  /// The rows, one line each, without spaces at their ends.
  var text: String { text(PageLayout()) }

  /// The rows, with the first column, that of names, as narrow as it takes for the table to fit on the page.
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

/// A number of bytes in the unit that fits.
public func size(_ bytes: Int) -> String {
  let units = ["B", "kB", "MB", "GB", "TB"]
  var value = Double(bytes)
  var unit = 0
  while value >= 1000, unit < units.count - 1 {
    value /= 1000
    unit += 1
  }
  return unit == 0 ? "\(bytes) B" : String(format: "%.1f %@", value, units[unit])
}

/// A number with four digits that say something.
func short(_ number: Double) -> String { String(format: "%.4g", number) }

/// The same beside numbers of the size `scale`: what is nothing but rounding there is 0.
func short(_ number: Double, beside scale: Double) -> String {
  short(abs(number) <= 1e-12 * abs(scale) ? 0 : number)
}

/// A cosine with three decimals, so that a column of them lines up; a dash where there is none.
func cosineText(_ cosine: Double?) -> String {
  guard let cosine else { return "–" }
  let text = String(format: "%.3f", cosine)
  return text == "-0.000" ? "0.000" : text
}

/// A share in percent.
func percent(_ share: Double) -> String {
  let digits = share >= 0.1 ? 1 : share >= 0.01 ? 2 : 3
  return String(format: "%.\(digits)f %%", share * 100)
}
