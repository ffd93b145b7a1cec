/// A dot with its interval for every row, in groups over one axis.
struct Intervals {
  let title: String
  let description: String
  let axisTitle: String
  let groups: [(name: String, rows: [Row])]

  /// Whether a line marks zero, from which differences go either way.
  let hasZero: Bool

  struct Row {
    let name: String
    let value: Double
    let interval: ClosedRange<Double>?
  }

  var markup: Markup {
    let rows = groups.flatMap(\.rows)
    let names = NameColumn(rows.map(\.name))
    let numbers = NumberStyle(rows.map(\.value))
    let behind = (rows.map { textWidth(numbers.text($0.value)) }.max() ?? 0) + 16
    let ends = rows.flatMap { [$0.value, $0.interval?.lowerBound, $0.interval?.upperBound].compactMap { $0 } }
    var (low, high) = (ends.min() ?? 0, ends.max() ?? 1)
    if hasZero { (low, high) = (min(low, 0), max(high, 0)) }
    let margin = max((high - low) * 0.04, abs(high) * 1e-6, .leastNormalMagnitude)
    let scale = Scale(
      low - margin...high + margin, start: names.width, length: pageWidth - names.width - behind)
    let (pitch, heading) = (24.0, 30.0)
    let bottom = pitch * Double(rows.count) + heading * Double(groups.count) + 8
    return chart(title, description, width: pageWidth, height: bottom + 50) {
      axis(scale, top: 4, bottom: bottom, title: axisTitle)
      if hasZero { line(from: (scale(0), 4), to: (scale(0), bottom), class: "threshold") }
      for (group, first) in zip(groups, starts) {
        let top = 4 + heading * Double(first.group) + pitch * Double(first.row)
        label(elided(group.name, to: 40), x: 0, y: top + 20, class: "strong")
        for (place, row) in group.rows.enumerated() {
          let y = top + heading + pitch * Double(place) + pitch / 2
          names.label(first.row + place, y: y + 4)
          if let interval = row.interval {
            line(from: (scale(interval.lowerBound), y), to: (scale(interval.upperBound), y), class: "whisker")
          }
          element("circle", ["cx": px(scale(row.value)), "cy": px(y), "r": "4.5", "class": "kept"])
          label(numbers.text(row.value), x: pageWidth, y: y + 4, .end, class: "strong")
        }
      }
    }
  }

  /// How many groups and rows stand before each group.
  private var starts: [(group: Int, row: Int)] {
    var row = 0
    return groups.enumerated().map { place, group in
      defer { row += group.rows.count }
      return (place, row)
    }
  }
}
