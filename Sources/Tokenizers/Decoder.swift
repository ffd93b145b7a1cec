/// How the contents of tokens become text again, step by step; each step maps a list of texts to another.
struct Decoder: Sendable {
  enum Step: Sendable {
    /// Characters that represent bytes become these bytes, and everything becomes one text.
    case byteLevel
    case replace([UInt8], by: [UInt8])
    /// `<0x0A>` becomes the byte.
    case byteFallback
    case fuse
    /// Removes a character at the start and at the end of each text, up to these numbers of times.
    case strip([UInt8], start: Int, stop: Int)
    /// The character for blanks becomes a blank, except in the first text if one had been added to it.
    case metaspace([UInt8], prepends: Bool)
  }

  /// nil: contents are joined by blanks.
  var steps: [Step]?

  func text(of contents: [[UInt8]]) -> String {
    guard let steps else {
      return String(decoding: Array(contents.joined(separator: [UInt8(ascii: " ")])), as: UTF8.self)
    }
    let contents = steps.reduce(contents) { Self.apply($1, to: $0) }
    return String(decoding: contents.joined(), as: UTF8.self)
  }

  private static func apply(_ step: Step, to contents: [[UInt8]]) -> [[UInt8]] {
    switch step {
    case .byteLevel:
      let bytes = contents.flatMap { ByteAlphabet.bytes(of: $0) ?? $0 }
      return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
    case .replace(let pattern, let content): return contents.map { replace(pattern, by: content, in: $0) }
    case .byteFallback: return joinBytes(contents)
    case .fuse: return [Array(contents.joined())]
    case .strip(let character, let start, let stop):
      return contents.map { strip(character, start: start, stop: stop, $0) }
    case .metaspace(let replacement, let prepends):
      return contents.enumerated().map { place, content in
        replace(replacement, by: place == 0 && prepends ? [] : [UInt8(ascii: " ")], in: content)
      }
    }
  }

  private static func replace(_ pattern: [UInt8], by content: [UInt8], in text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var place = 0
    while place < text.count {
      if text[place...].starts(with: pattern) {
        result += content
        place += pattern.count
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return result
  }

  private static func strip(_ character: [UInt8], start: Int, stop: Int, _ text: [UInt8]) -> [UInt8] {
    var rest = text[...]
    for _ in 0..<start {
      guard rest.starts(with: character) else { break }
      rest = rest.dropFirst(character.count)
    }
    for _ in 0..<stop {
      guard rest.suffix(character.count).elementsEqual(character) else { break }
      rest = rest.dropLast(character.count)
    }
    return Array(rest)
  }

  /// Joins the bytes of neighbouring byte tokens; if they are not valid text, each becomes a replacement character.
  private static func joinBytes(_ contents: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      if bytes.isEmpty { return }
      if String(validating: bytes, as: UTF8.self) != nil {
        result.append(bytes)
      } else {
        result += Array(repeating: Array("\u{FFFD}".utf8), count: bytes.count)
      }
      bytes = []
    }
    for content in contents {
      if let byte = byte(content) {
        bytes.append(byte)
      } else {
        flush()
        result.append(content)
      }
    }
    flush()
    return result
  }

  private static func byte(_ content: [UInt8]) -> UInt8? {
    guard content.count == 6, content.starts(with: Array("<0x".utf8)), content[5] == UInt8(ascii: ">") else {
      return nil
    }
    return UInt8(String(decoding: content[3..<5], as: UTF8.self), radix: 16)
  }
}
