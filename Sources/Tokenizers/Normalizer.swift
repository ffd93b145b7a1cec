import Diagnostics
@_spi(_Unicode) import Swift

/// How a text is changed before it is split into words, step by step.
struct Normalizer: Sendable {
  enum Step: Sendable {
    /// Unicode's normalization form C.
    case composed
    case lowercase
    /// Prepends a text to each piece, or only to the one at the start of the whole text.
    case prepend([UInt8], onlyAtStart: Bool = false)
    case replace([UInt8], by: [UInt8])
  }

  var steps: [Step] = []

  func apply(to text: inout AlignedText) throws {
    let most = text.mostAfterwards
    for step in steps {
      switch step {
      case .composed: try text.compose()
      case .lowercase: text.lowercase()
      case .prepend(let content, let onlyAtStart):
        if !onlyAtStart || text.source(of: 0..<text.count).lowerBound == 0 { text.prepend(content) }
      case .replace(let pattern, let content): try text.replace(pattern, by: content, most: most)
      }
      guard text.count <= most else { throw AlignedText.growth }
    }
  }
}

extension AlignedText {
  private var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

  fileprivate mutating func compose() throws {
    guard !isASCII else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    // Sorting them takes time that grows with the square of their number.
    guard !hasTooManyCombiningMarks(text), !hasTooManyDoubleMarks(text) else {
      throw Failure(.badData, "the text has more than \(maximumCombiningMarks) combining marks in a row")
    }
    func composed(_ text: some StringProtocol) -> [UInt8] {
      String(text)._nfc.reduce(into: []) { bytes, scalar in
        if let units = UTF8.encode(scalar) { bytes += units }
      }
    }
    // Nearly all texts are composed already. Composition only happens within a grapheme cluster.
    guard composed(text) != bytes else { return }
    var parts: [(Range<Int>, [UInt8])] = []
    var start = 0
    for character in text {
      let end = start + character.utf8.count
      parts.append((start..<end, composed(String(character))))
      start = end
    }
    replace(parts: parts)
  }

  fileprivate mutating func lowercase() {
    if isASCII {
      guard bytes.contains(where: { (0x41...0x5A).contains($0) }) else { return }
    }
    var parts: [(Range<Int>, [UInt8])] = []
    var start = 0
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      let end = start + UTF8.width(scalar)
      parts.append((start..<end, Array(scalar.properties.lowercaseMapping.utf8)))
      start = end
    }
    replace(parts: parts)
  }
}

/// Whether there are too many consecutive marks that decompose into two, which are only then put in order. They have no order
/// themselves, so `hasTooManyCombiningMarks` takes them for letters.
private func hasTooManyDoubleMarks(_ text: String) -> Bool {
  var run = 0
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x0F73, 0x0F75, 0x0F81: run += 1
    case 0x300...: run = scalar.properties.canonicalCombiningClass == .notReordered ? 0 : run
    default: run = 0
    }
    if run > maximumCombiningMarks { return true }
  }
  return false
}
