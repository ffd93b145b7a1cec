/// The layout of text for people.
public struct PageLayout: Sendable {
  /// Prose is broken at this width.
  public var columns: Int

  /// Whether names that would make a table wider than the page are shortened; never if a program may read the text.
  public var shortensNames: Bool

  public init(columns: Int = 80, shortensNames: Bool = false) {
    self.columns = columns
    self.shortensNames = shortensNames
  }
}

/// Prose broken at spaces into lines of at most `columns`.
///
/// Line breaks in the text stay. The start of a line stays too, and its continuation lines are indented to the text after it:
/// after spaces, after a number ("1. "), and after a word separated from its explanation by two or more spaces.
///
/// - parameter indent: The start of every line.
public func wrapped(_ text: String, to columns: Int, indent: String = "") -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map {
    wrapped(line: String($0), to: columns, indent: indent)
  }
  .joined(separator: "\n")
}

private func wrapped(line: String, to columns: Int, indent: String) -> String {
  let head = line.prefixMatch(of: /(?: *[0-9]+\. +| +[^ ]+ {2,}| +)/).map { String($0.0) } ?? ""
  // A table with a head that takes most of the page is wrapped like prose.
  let hanging = head.count > columns / 2 ? "" : String(repeating: " ", count: head.count)
  var lines: [String] = []
  var current = indent + head
  var isEmpty = true
  for word in line.dropFirst(head.count).split(separator: " ", omittingEmptySubsequences: true) {
    if !isEmpty, displayWidth(current) + 1 + displayWidth(word) > columns {
      lines.append(current)
      (current, isEmpty) = (indent + hanging, true)
    }
    current += isEmpty ? String(word) : " " + word
    isEmpty = false
  }
  lines.append(isEmpty ? "" : current)
  return lines.joined(separator: "\n")
}

/// The number of terminal columns of a text: two for each ideograph, Hangul syllable, kana or emoji.
public func displayWidth(_ text: some StringProtocol) -> Int {
  text.reduce(0) { $0 + ($1.unicodeScalars.first.map(isWide) == true ? 2 : 1) }
}

private func isWide(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
    true
  default: false
  }
}

/// The text in at most `columns`, with '…' for the omitted middle.
public func shortened(_ text: String, to columns: Int) -> String {
  guard displayWidth(text) > columns else { return text }
  guard columns > 1 else { return "…" }
  let characters = Array(text)
  var (head, tail) = ("", "")
  var (front, back) = (0, characters.count)
  while front < back {
    // Front and back alternately, so that both ends keep what distinguishes two names.
    let isFront = displayWidth(head) <= displayWidth(tail)
    let next = isFront ? characters[front] : characters[back - 1]
    guard displayWidth(head) + displayWidth(tail) + displayWidth(String(next)) < columns else { break }
    if isFront {
      head.append(next)
      front += 1
    } else {
      tail = String(next) + tail
      back -= 1
    }
  }
  return head + "…" + tail
}

/// Lines of a label and a text; long texts continue below themselves.
///
/// They may contain names from other people's files, so each text is displayed with ``oneLine(_:)``.
public struct Facts {
  private var lines: [(label: String, text: String)] = []

  public init() {}

  public mutating func add(_ label: String, _ text: String) { lines.append((oneLine(label), oneLine(text))) }

  public func text(columns: Int) -> String {
    let width = lines.map { displayWidth($0.label) }.max() ?? 0
    return lines.map { label, text in
      let head = label + String(repeating: " ", count: width - displayWidth(label) + 2)
      // If the labels take most of the page there is no room for a column of texts.
      let hanging = width + 2 > columns / 2 ? "    " : String(repeating: " ", count: width + 2)
      let body = wrapped(text, to: columns, indent: hanging)
      return head + (body.hasPrefix(hanging) ? body.dropFirst(hanging.count) : body[...])
    }.joined(separator: "\n")
  }
}

/// "8", or "4 to 8" if numbers differ.
public func span(_ numbers: some Collection<Int>) -> String {
  guard let least = numbers.min(), let most = numbers.max() else { return "none" }
  return least == most ? "\(least)" : "\(least) to \(most)"
}
