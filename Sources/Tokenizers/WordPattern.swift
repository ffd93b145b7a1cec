/// The regular expressions with which byte-level tokenizers split text into words, matched by hand-written scanners.
///
/// Each of them matches at every position, so that its matches cover the text.
enum WordPattern: Sendable {
  /// GPT-2: words and numbers with the blank before them, runs of other characters, blanks.
  case gpt2
  /// Llama 3 (numbers of up to three digits) and Qwen2 (single digits), after cl100k.
  case cl100k(mostDigits: Int)

  private static let blanks = #"\s+(?!\S)|\s+"#
  private static let cl100kStart = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"#
  private static let cl100kEnd = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"# + blanks
  private static let gpt2Rest = #"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|"# + blanks

  /// The pattern for this expression in a tokenizer's file; nil for any other.
  init?(_ expression: String) {
    switch expression {
    case "'s|'t|'re|'ve|'m|'ll|'d" + Self.gpt2Rest, "'(?:[sdmt]|ll|ve|re)" + Self.gpt2Rest: self = .gpt2
    case Self.cl100kStart + #"\p{N}{1,3}"# + Self.cl100kEnd: self = .cl100k(mostDigits: 3)
    case Self.cl100kStart + #"\p{N}"# + Self.cl100kEnd: self = .cl100k(mostDigits: 1)
    default: return nil
    }
  }

  /// The end of the match that begins at `start` and may not extend beyond `limit`.
  func end(in text: UnsafeBufferPointer<UInt8>, from start: Int, limit: Int) -> Int {
    let scanner = WordScanner(text: text, start: start, limit: limit)
    switch self {
    case .gpt2: return scanner.gpt2()
    case .cl100k(let mostDigits): return scanner.cl100k(mostDigits: mostDigits)
    }
  }
}

/// One match of a pattern. A run is examined at most once per alternative, so that scanning is linear.
private struct WordScanner {
  let text: UnsafeBufferPointer<UInt8>
  let start: Int
  let limit: Int

  func gpt2() -> Int {
    if text[start] == UInt8(ascii: "'"), let end = contraction(ignoringCase: false) { return end }
    let afterBlank = text[start] == UInt8(ascii: " ") ? start + 1 : start
    if afterBlank < limit {
      let kind = ScalarClass(text.scalar(at: afterBlank).value)
      if kind != .space { return run(of: kind, from: afterBlank) }
    }
    return blanks(from: start)
  }

  func cl100k(mostDigits: Int) -> Int {
    if text[start] == UInt8(ascii: "'"), let end = contraction(ignoringCase: true) { return end }
    let (first, next) = text.scalar(at: start)
    let kind = ScalarClass(first)
    if kind == .letter { return run(of: .letter, from: next) }
    if kind == .number { return run(of: .number, from: next, atMost: mostDigits - 1) }
    let isLineEnd = first == 0x0A || first == 0x0D
    if !isLineEnd, next < limit, ScalarClass(text.scalar(at: next).value) == .letter {
      return run(of: .letter, from: next)
    }
    let afterBlank = first == 0x20 ? next : start
    if afterBlank < limit, ScalarClass(text.scalar(at: afterBlank).value) == .other {
      return lineEnds(from: run(of: .other, from: afterBlank))
    }
    let end = run(of: .space, from: start)
    var lastLineEnd = end
    while lastLineEnd > start, text[lastLineEnd - 1] != 0x0A, text[lastLineEnd - 1] != 0x0D { lastLineEnd -= 1 }
    return lastLineEnd > start ? lastLineEnd : blanks(from: start, to: end)
  }

  /// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`; if case is ignored, the long s is a variant of s.
  private func contraction(ignoringCase: Bool) -> Int? {
    guard start + 1 < limit else { return nil }
    let fold: UInt8 = ignoringCase ? 0x20 : 0
    func letter(_ place: Int) -> UInt8 {
      let byte = text[place]
      return byte >= 0x41 && byte <= 0x5A ? byte | fold : byte
    }
    switch letter(start + 1) {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < limit && letter(start + 2) == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"):
      return start + 2 < limit && letter(start + 2) == UInt8(ascii: "l") ? start + 3 : nil
    case 0xC5 where ignoringCase: return text[start + 2] == 0xBF ? start + 3 : nil
    default: return nil
    }
  }

  private func run(of kind: ScalarClass, from: Int, atMost: Int = .max) -> Int {
    var place = from
    var count = 0
    while place < limit, count < atMost {
      let (value, next) = text.scalar(at: place)
      guard ScalarClass(value) == kind else { break }
      place = next
      count += 1
    }
    return place
  }

  private func lineEnds(from: Int) -> Int {
    var place = from
    while place < limit, text[place] == 0x0A || text[place] == 0x0D { place += 1 }
    return place
  }

  /// `\s+(?!\S)|\s+`: all blanks at the end of the text, all but the last before something else.
  private func blanks(from: Int) -> Int { blanks(from: from, to: run(of: .space, from: from)) }

  private func blanks(from: Int, to end: Int) -> Int {
    guard end < limit else { return end }
    let last = text.scalar(before: end).start
    return last > from ? last : end
  }
}
