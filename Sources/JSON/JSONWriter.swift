import Diagnostics

extension JSONValue {
  /// The value as JSON text; numbers in the shortest form that reads back as the same bits.
  ///
  /// - parameter indented: Two spaces per level, one member per line; otherwise one line without spaces.
  /// - parameter sorted: Keys in code point order at every level, as `json.dumps(sort_keys=True)` does.
  /// - precondition: Every number is finite; JSON has no other.
  public func text(indented: Bool = false, sorted: Bool = false) -> String {
    var text = ""
    write(to: &text, margin: indented ? "\n" : nil, sorted: sorted)
    return text
  }

  /// `margin` is the line break with the indentation of the current level, or nil for one line.
  private func write(to text: inout String, margin: String?, sorted: Bool) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value):
      precondition(value.isFinite, "JSON cannot represent \(value)")
      text += String(describing: value)
    case .string(let value): Self.quote(value, to: &text)
    case .array(let elements):
      Self.list(elements, brackets: ("[", "]"), to: &text, margin: margin) { element, text, margin in
        element.write(to: &text, margin: margin, sorted: sorted)
      }
    case .object(let object):
      let members =
        sorted
        ? object.members.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
        : object.members
      Self.list(members, brackets: ("{", "}"), to: &text, margin: margin) { member, text, margin in
        Self.quote(member.key, to: &text)
        text += margin == nil ? ":" : ": "
        member.value.write(to: &text, margin: margin, sorted: sorted)
      }
    }
  }

  private static func list<Element>(
    _ elements: [Element], brackets: (String, String), to text: inout String, margin: String?,
    each: (Element, inout String, String?) -> Void
  ) {
    text += brackets.0
    let inner = margin.map { $0 + "  " }
    for (index, element) in elements.enumerated() {
      if index > 0 { text += "," }
      text += inner ?? ""
      each(element, &text, inner)
    }
    if !elements.isEmpty { text += margin ?? "" }
    text += brackets.1
  }

  private static func quote(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      // People look at the text in a terminal.
      case _ where scalar.value < 0x20 || scalar.value >= 0x7F && steersTerminal(scalar):
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
