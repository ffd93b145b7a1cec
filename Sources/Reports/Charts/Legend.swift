/// The meaning of the marks of a drawing, in a row.
struct Legend {
  enum Mark {
    case bar(String)
    case diamond
    case line
  }

  let entries: [(mark: Mark, text: String)]

  func markup(x: Double, y: Double) -> Markup {
    var place = x
    return element("g", ["class": "legend"]) {
      for (mark, text) in entries {
        let start = advance(&place, by: text)
        switch mark {
        case .bar(let name): box(x: start, y: y - 10, width: 10, height: 10, class: name)
        case .diamond: element("path", ["d": diamond(x: start + 5, y: y - 5, radius: 4.5), "class": "anchor"])
        case .line: line(from: (start + 5, y - 13), to: (start + 5, y + 3), class: "threshold")
        }
        label(text, x: start + 17, y: y)
      }
    }
  }

  /// The position of an entry; the next one follows its text.
  private func advance(_ place: inout Double, by text: String) -> Double {
    defer { place += 17 + textWidth(text) + 20 }
    return place
  }
}
