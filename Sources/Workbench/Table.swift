import Foundation

/// Rows of text in columns that line up.
struct Table {
  private var rows: [[String]] = []
  private let separator: String

  init(_ header: [String] = [], separator: String = "  ") {
    self.separator = separator
    if !header.isEmpty { rows.append(header) }
  }

  mutating func add(_ row: String...) { rows.append(row) }

  /// The rows, one line each, without spaces at their ends.
  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      let line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: separator)
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}

/// A number of bytes in the unit that fits.
func size(_ bytes: Int) -> String {
  let units = ["B", "kB", "MB", "GB", "TB"]
  var value = Double(bytes)
  var unit = 0
  while value >= 1000, unit < units.count - 1 {
    value /= 1000
    unit += 1
  }
  return unit == 0 ? "\(bytes) B" : String(format: "%.1f %@", value, units[unit])
}

/// "8", or "4 to 8" where numbers differ.
func span(_ numbers: some Collection<Int>) -> String {
  guard let least = numbers.min(), let most = numbers.max() else { return "none" }
  return least == most ? "\(least)" : "\(least) to \(most)"
}

/// A number with four digits that say something.
func short(_ number: Double) -> String { String(format: "%.4g", number) }

/// A share in percent.
func percent(_ share: Double) -> String {
  let digits = share >= 0.1 ? 1 : share >= 0.01 ? 2 : 3
  return String(format: "%.\(digits)f %%", share * 100)
}
