import Diagnostics

/// A token that is searched for in the text before any other step.
struct AddedToken: Sendable {
  var id: Int32
  var content: [UInt8]
  /// Whether it is a special token of the model and not part of what people write.
  var isSpecial: Bool
  /// Whether it is searched for in the normalized text, and in normalized form.
  var isNormalized = false
  /// Whether it must be a separate word.
  var isSingleWord = false
  /// Whether it includes the blanks before and after it.
  var stripsLeft = false
  var stripsRight = false
}

/// The tokens that are matched as a whole, and their positions in a text.
struct AddedTokens: Sendable {
  private let tokens: [AddedToken]
  private let places: [Int32: Int]
  private let ids: [[UInt8]: Int32]
  /// The content of normalized tokens in a normalized text, if different.
  private let normalizedContents: [Int32: [UInt8]]
  private let inText: TokenTrie
  private let inNormalizedText: TokenTrie

  /// The longest one; limits how often each byte of a text may be examined.
  static let mostBytes = 256

  /// - parameter normalize: Applies the tokenizer's normalizer to a text.
  init(_ tokens: [AddedToken], normalize: ([UInt8]) throws -> [UInt8]) throws {
    var places: [Int32: Int] = [:]
    var ids: [[UInt8]: Int32] = [:]
    var normalizedContents: [Int32: [UInt8]] = [:]
    var inText = TokenTrie()
    var inNormalizedText = TokenTrie()
    for (place, token) in tokens.enumerated() {
      let name = Vocabulary.shown(token.content)
      guard !token.content.isEmpty, token.content.count <= Self.mostBytes else {
        throw Failure(
          .badData,
          "the added token '\(name)' has \(token.content.count) bytes; it may have from 1 to \(Self.mostBytes)")
      }
      guard places.updateValue(place, forKey: token.id) == nil else {
        throw Failure(.badData, "two added tokens have the id \(token.id), one of them is '\(name)'")
      }
      guard ids.updateValue(token.id, forKey: token.content) == nil else {
        throw Failure(.badData, "the token '\(name)' is added twice")
      }
      var sought = token.content
      if token.isNormalized {
        sought = try normalize(sought)
        if sought != token.content { normalizedContents[token.id] = sought }
        guard !sought.isEmpty, sought.count <= 2 * Self.mostBytes else {
          throw Failure(.badData, "the added token '\(name)' has \(sought.count) bytes after normalization")
        }
      }
      let isNew = token.isNormalized ? inNormalizedText.insert(sought, place) : inText.insert(sought, place)
      guard isNew else {
        throw Failure(.badData, "the added token '\(name)' is the same as another one after normalization")
      }
    }
    self.tokens = tokens
    self.places = places
    self.ids = ids
    self.normalizedContents = normalizedContents
    self.inText = inText
    self.inNormalizedText = inNormalizedText
  }

  var largestID: Int32? { places.keys.max() }

  func id(of content: [UInt8]) -> Int32? { ids[content] }

  /// The content of a token when ids become text; nil if it is none of these.
  func content(of id: Int32) -> [UInt8]? {
    places[id].map { normalizedContents[id] ?? tokens[$0].content }
  }

  func isSpecial(_ id: Int32) -> Bool { places[id].map { tokens[$0].isSpecial } ?? false }

  /// A part of a text: a token, or the text between two.
  struct Part {
    var range: Range<Int>
    var id: Int32?
  }

  /// The parts of a text that is not normalized yet, or of one that is normalized already.
  func parts(of text: UnsafeBufferPointer<UInt8>, isNormalized: Bool, specials: Specials) -> [Part] {
    let trie = isNormalized ? inNormalizedText : inText
    guard !text.isEmpty, !trie.isEmpty else { return text.isEmpty ? [] : [Part(range: 0..<text.count)] }
    var parts: [Part] = []
    var done = 0
    var place = 0
    while let match = trie.next(in: text, from: place) {
      place = match.range.upperBound
      let token = tokens[match.value]
      if token.isSpecial, specials == .asText { continue }
      if token.isSingleWord, !standsAlone(match.range, in: text) { continue }
      var start = match.range.lowerBound
      var end = match.range.upperBound
      if token.stripsLeft {
        while start > done, start > 0 {
          let before = text.scalar(before: start)
          guard ScalarClass(before.value) == .space else { break }
          start = before.start
        }
        start = max(start, done)
      }
      if token.stripsRight {
        while end < text.count {
          let (value, next) = text.scalar(at: end)
          guard ScalarClass(value) == .space else { break }
          end = next
        }
      }
      if done < start { parts.append(Part(range: done..<start)) }
      parts.append(Part(range: start..<max(start, end), id: token.id))
      done = end
    }
    if done < text.count { parts.append(Part(range: done..<text.count)) }
    return parts
  }

  private func standsAlone(_ range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    let before = range.lowerBound > 0 && isWordCharacter(text.scalar(before: range.lowerBound).value)
    let behind = range.upperBound < text.count && isWordCharacter(text.scalar(at: range.upperBound).value)
    return !before && !behind
  }
}

/// Finds the leftmost match of many texts, and the longest of those that begin there.
private struct TokenTrie: Sendable {
  /// The next node for a node and a byte.
  private var edges: [UInt64: Int32] = [:]
  private var values: [Int?] = [nil]
  private var beginnings = Array(repeating: false, count: 256)

  var isEmpty: Bool { values.count == 1 }

  /// Adds a text; false if it exists already.
  mutating func insert(_ text: [UInt8], _ value: Int) -> Bool {
    var node: Int32 = 0
    beginnings[Int(text[0])] = true
    for byte in text {
      let edge = UInt64(node) << 8 | UInt64(byte)
      if let next = edges[edge] {
        node = next
      } else {
        node = Int32(values.count)
        edges[edge] = node
        values.append(nil)
      }
    }
    guard values[Int(node)] == nil else { return false }
    values[Int(node)] = value
    return true
  }

  func next(in text: UnsafeBufferPointer<UInt8>, from: Int) -> (range: Range<Int>, value: Int)? {
    for start in from..<max(from, text.count) where beginnings[Int(text[start])] {
      var node: Int32 = 0
      var place = start
      var longest: (range: Range<Int>, value: Int)?
      while place < text.count, let next = edges[UInt64(node) << 8 | UInt64(text[place])] {
        node = next
        place += 1
        if let value = values[Int(node)] { longest = (start..<place, value) }
      }
      if let longest { return longest }
    }
    return nil
  }
}
