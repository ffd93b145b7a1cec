/// A drawing of fixed size that shrinks with the page, but stays readable.
///
/// - parameters:
///   - title: What it shows, in a few words.
///   - description: A description for people who cannot see it.
func chart(
  _ title: String, _ description: String, width: Double, height: Double, @MarkupBuilder _ content: () -> Markup
) -> Markup {
  scrolling(title) {
    element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "role": "img", "viewBox": "0 0 \(px(width)) \(px(height))",
        "width": px(width), "height": px(height), "style": "min-width:\(px((width * 0.8).rounded()))px",
      ]
    ) {
      element("title") { title }
      element("desc") { description }
      content()
    }
  }
}

/// The width of the page's column.
let pageWidth = 912.0

/// Which part of a text is at its position.
enum TextAlignment: String {
  case start, middle, end
}

/// Text in a drawing; `y` is its baseline.
func label(_ text: String, x: Double, y: Double, _ alignment: TextAlignment = .start, class name: String? = nil)
  -> Markup
{
  element(
    "text", ["x": px(x), "y": px(y), "text-anchor": alignment == .start ? nil : alignment.rawValue, "class": name]
  ) { text }
}

func line(from: (x: Double, y: Double), to: (x: Double, y: Double), class name: String) -> Markup {
  element("line", ["x1": px(from.x), "y1": px(from.y), "x2": px(to.x), "y2": px(to.y), "class": name])
}

func box(x: Double, y: Double, width: Double, height: Double, class name: String) -> Markup {
  element(
    "rect", ["x": px(x), "y": px(y), "width": px(max(0, width)), "height": px(max(0, height)), "class": name])
}

/// The mark of an anchor.
func diamond(x: Double, y: Double, radius: Double) -> String {
  "M\(px(x)) \(px(y - radius))l\(px(radius)) \(px(radius))l\(px(-radius)) \(px(radius))l\(px(-radius)) \(px(-radius))z"
}

/// Names beside a drawing: shortened if long, and as wide as needed.
struct NameColumn {
  private let names: [String]
  let width: Double

  init(_ names: [String], longest: Int = 26) {
    self.names = names.map { elided($0, to: longest) }
    width = (self.names.map(textWidth).max() ?? 0) + 14
  }

  /// The name, right-aligned in the column.
  func label(_ index: Int, y: Double) -> Markup { Reports.label(names[index], x: width - 14, y: y, .end) }
}

/// The text, shortened in the middle if it is long; tables have the full text.
func elided(_ text: String, to longest: Int) -> String {
  let scalars = text.unicodeScalars
  guard scalars.count > longest else { return text }
  let half = (longest - 1) / 2
  return String(String.UnicodeScalarView(scalars.prefix(longest - 1 - half))) + "…"
    + String(String.UnicodeScalarView(scalars.suffix(half)))
}

/// The approximate width of a text in a drawing.
func textWidth(_ text: String) -> Double {
  // East Asian characters are twice as wide as Latin ones.
  text.unicodeScalars.reduce(0) { $0 + ($1.value < 0x2E80 ? 6.8 : 13) }
}

/// The lines and numbers below a drawing with a horizontal scale.
func axis(_ scale: Scale, top: Double, bottom: Double, title: String) -> Markup {
  let (ticks, step) = scale.ticks
  let largest = max(abs(scale.domain.lowerBound), abs(scale.domain.upperBound))
  let style = NumberStyle(axisTo: largest, step: step)
  return element("g", ["class": "axis"]) {
    for tick in ticks {
      line(from: (scale(tick), top), to: (scale(tick), bottom), class: "grid")
      label(style.text(tick), x: scale(tick), y: bottom + 18, .middle)
    }
    label(title, x: scale.start + scale.length, y: bottom + 38, .end)
  }
}
