/// One bar per row, from zero, followed by its number.
struct Bars {
  let title: String
  let description: String
  let rows: [(name: String, value: Double)]
  /// Whether the values are shares, so that 1 fills the row.
  let isShare: Bool

  var markup: Markup {
    let names = NameColumn(rows.map(\.name))
    let values = rows.map(\.value)
    let style = isShare ? NumberStyle(shares: values) : NumberStyle(values)
    let width = (pageWidth - 40) / 2
    let numbers = (values.map { textWidth(style.text($0)) }.max() ?? 0) + 10
    let (low, high) = (min(0, values.min() ?? 0), max(isShare ? 1 : 0, values.max() ?? 0))
    let scale = Scale(
      low...max(high, low + .leastNormalMagnitude), start: names.width, length: width - names.width - numbers)
    let pitch = 26.0
    return chart(title, description, width: width, height: pitch * Double(rows.count) + 8) {
      for (index, row) in rows.enumerated() {
        let y = 4 + pitch * Double(index)
        let (start, end) = (min(scale(0), scale(row.value)), max(scale(0), scale(row.value)))
        names.label(index, y: y + 17)
        if isShare { box(x: scale(0), y: y + 6, width: scale(1) - scale(0), height: 14, class: "track") }
        box(x: start, y: y + 6, width: end - start, height: 14, class: "kept")
        label(style.text(row.value), x: width, y: y + 17, .end, class: "strong")
      }
      line(from: (scale(0), 4), to: (scale(0), 4 + pitch * Double(rows.count)), class: "zero")
    }
  }
}
