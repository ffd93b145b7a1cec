import Diagnostics

/// A piece of the text being tokenised, with the position in the original text that each byte comes from.
struct AlignedText {
  private(set) var bytes: [UInt8]

  /// The start of the piece in the text, as long as it is unchanged.
  private let origin: Int

  /// For each byte, the range in the text of the character that it comes from; nil as long as nothing was changed.
  private var sources: [Source]?

  struct Source {
    var start: Int32
    var end: Int32
  }

  var count: Int { bytes.count }

  /// Bytes of the text that begin at `origin`.
  init(_ bytes: [UInt8], at origin: Int) {
    self.bytes = bytes
    self.origin = origin
  }

  private init(_ bytes: [UInt8], at origin: Int, _ sources: [Source]?) {
    self.bytes = bytes
    self.origin = origin
    self.sources = sources
  }

  subscript(range: Range<Int>) -> AlignedText {
    AlignedText(Array(bytes[range]), at: origin + range.lowerBound, sources.map { Array($0[range]) })
  }

  /// The range in the text that these bytes come from, in whole characters.
  func source(of range: Range<Int>) -> Range<Int> {
    guard !range.isEmpty else { return origin..<origin }
    if let sources {
      let start = Int(sources[range.lowerBound].start)
      return start..<max(start, Int(sources[range.upperBound - 1].end))
    }
    var start = range.lowerBound
    var end = range.upperBound
    while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return origin + start..<origin + end
  }

  /// The sources of all bytes, before something changes.
  private func aligned() -> [Source] {
    if let sources { return sources }
    var result: [Source] = []
    result.reserveCapacity(bytes.count)
    bytes.withUnsafeBufferPointer { text in
      var place = 0
      while place < text.count {
        let end = text.scalar(at: place).end
        let source = Source(start: Int32(origin + place), end: Int32(origin + end))
        for _ in place..<end { result.append(source) }
        place = end
      }
    }
    return result
  }

  /// Prepends `content`, whose source is that of the first character. An empty text stays empty.
  mutating func prepend(_ content: [UInt8]) {
    guard !bytes.isEmpty else { return }
    let old = aligned()
    sources = Array(repeating: old[0], count: content.count) + old
    bytes = content + bytes
  }

  /// Replaces every `pattern`, from the left, by `content`, whose source is that of the last character of the match.
  ///
  /// - parameter most: The maximum size of the result in bytes.
  /// - throws: ``Failure`` as soon as it is exceeded.
  mutating func replace(_ pattern: [UInt8], by content: [UInt8], most: Int = .max) throws {
    guard let first = pattern.first, bytes.contains(first) else { return }
    let old = aligned()
    var text: [UInt8] = []
    var origins: [Source] = []
    text.reserveCapacity(bytes.count + bytes.count / 2)
    origins.reserveCapacity(bytes.count + bytes.count / 2)
    var place = 0
    while place < bytes.count {
      if bytes[place] == first, bytes[place...].starts(with: pattern) {
        place += pattern.count
        text += content
        guard text.count <= most else { throw Self.growth }
        for _ in content { origins.append(old[place - 1]) }
      } else {
        text.append(bytes[place])
        origins.append(old[place])
        place += 1
      }
    }
    bytes = text
    sources = origins
  }

  /// The maximum factor by which a text may grow; otherwise a file could cause any growth with a few replacements.
  static let mostGrowth = 16

  /// The maximum size in bytes after a tokenizer has changed the text.
  var mostAfterwards: Int { Self.mostGrowth * (count + 16) }

  static let growth = Failure(.badData, "the tokenizer makes a text more than \(mostGrowth) times longer")

  /// Replaces each of these parts, which follow each other and cover the text, by another text; the source of each new byte is
  /// its whole part.
  mutating func replace(parts: [(range: Range<Int>, content: [UInt8])]) {
    let old = aligned()
    var text: [UInt8] = []
    var origins: [Source] = []
    for (range, content) in parts where !range.isEmpty {
      if content.elementsEqual(bytes[range]) {
        origins += old[range]
      } else {
        let source = Source(start: old[range.lowerBound].start, end: old[range.upperBound - 1].end)
        origins += repeatElement(source, count: content.count)
      }
      text += content
    }
    bytes = text
    sources = origins
  }

  /// Changes each of the pieces separately; they cover the text afterwards.
  mutating func rewrite(_ pieces: inout [Range<Int>], _ change: (inout AlignedText) throws -> Void) rethrows {
    if pieces.count == 1, pieces[0] == 0..<count {
      try change(&self)
      pieces = [0..<count]
      return
    }
    var text: [UInt8] = []
    var origins: [Source] = []
    for piece in pieces.indices {
      var part = self[pieces[piece]]
      try change(&part)
      let start = text.count
      origins += part.aligned()
      text += part.bytes
      pieces[piece] = start..<text.count
    }
    bytes = text
    sources = origins
  }
}
