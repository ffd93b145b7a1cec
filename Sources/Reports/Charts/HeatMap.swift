/// A table of coloured cells, with numbers in them if there is room.
struct HeatMap {
  let title: String
  let description: String
  let rows: [String]
  let columns: [String]
  /// The title above the column names.
  let columnTitle: String?
  /// The cells by row and column; nil is empty.
  let values: [[Double?]]
  let isShare: Bool
  /// The value of the strongest colour; negative values use the other colour.
  let strongest: Double
  /// The tooltip of a cell.
  let cellName: (_ row: Int, _ column: Int) -> String

  var markup: Markup {
    let names = NameColumn(rows)
    let present = values.joined().compactMap { $0 }
    let hasNegative = present.contains { $0 < 0 }
    let style = isShare ? NumberStyle(shares: present) : NumberStyle(present, digits: 3)
    // Inside the cells the unit goes without saying.
    let brief = isShare ? NumberStyle(present.map { $0 * 100 }, digits: 2) : style
    let numbers = values.map { $0.map { value in value.map { brief.text(isShare ? $0 * 100 : $0) } } }
    let widest = (numbers.joined().map { textWidth($0 ?? "") }.max() ?? 0) * 0.85
    let room = (pageWidth - names.width) / Double(max(1, columns.count))
    let cell = min(max(room.rounded(.down), columns.count <= 20 ? widest + 8 : 12), 96)
    let pitch = min(max(cell, 22), 34)
    let showsNumbers = widest + 4 <= cell
    let labelled = labelledColumns(cell: cell)
    let (left, top) = (names.width, columnTitle == nil ? 22.0 : 40.0)
    let (right, bottom) = (left + cell * Double(columns.count), top + pitch * Double(rows.count))
    let legendWidth = left + 330.0
    return chart(title, description, width: max(right, legendWidth), height: bottom + 44) {
      if let columnTitle { label(columnTitle, x: left, y: 12, class: "soft") }
      for (index, column) in columns.enumerated() where labelled(index) {
        label(column, x: left + cell * (Double(index) + 0.5), y: top - 7, .middle, class: "soft")
      }
      for (row, line) in values.enumerated() {
        let y = top + pitch * Double(row)
        names.label(row, y: y + pitch / 2 + 4)
        for (column, value) in line.enumerated() {
          if let value {
            let x = left + cell * Double(column)
            element("g", ["class": Palette.name(of: value / strongest)]) {
              element("title") { "\(cellName(row, column)): \(style.text(value))" }
              box(x: x + 0.5, y: y + 0.5, width: cell - 1, height: pitch - 1, class: "cell")
              if showsNumbers, let number = numbers[row][column] {
                label(number, x: x + cell / 2, y: y + pitch / 2 + 4, .middle)
              }
            }
          }
        }
      }
      key(x: left, y: bottom + 20, from: hasNegative ? -strongest : 0)
    }
  }

  /// Every column if the names fit, else every second, fifth, tenth … of them.
  private func labelledColumns(cell: Double) -> (Int) -> Bool {
    let widest = (columns.map(textWidth).max() ?? 0) + 4
    let every = Int(roundStep(max(1, (widest / cell).rounded(.up))))
    return { $0 % every == 0 }
  }

  /// The colour scale.
  private func key(x: Double, y: Double, from least: Double) -> Markup {
    let style = isShare ? NumberStyle(shares: [strongest], digits: 2) : NumberStyle([strongest], digits: 1)
    let steps = (least < 0 ? -Palette.levels : 0)...Palette.levels
    let start = x + textWidth(style.text(least)) + 8
    let width = 160 / Double(steps.count)
    return element("g", ["class": "legend"]) {
      label(style.text(least), x: start - 8, y: y + 11, .end)
      for (index, step) in steps.enumerated() {
        element("g", ["class": Palette.name(of: Double(step) / Double(Palette.levels))]) {
          box(x: start + width * Double(index), y: y, width: width, height: 13, class: "cell")
        }
      }
      label(style.text(strongest), x: start + 168, y: y + 11)
    }
  }
}
