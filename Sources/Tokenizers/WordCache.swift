/// Recently encoded words with their tokens: a table of fixed size, in which a new word replaces another.
struct WordCache: Sendable {
  /// The maximum length of a stored word; longer ones are seldom repeated.
  private static let mostBytes = 48
  private static let mostTokens = 12
  private static let slotCount = 1 << 14

  private var keys: [UInt8] = []
  private var keyLengths: [UInt8] = []
  private var ids: [Int32] = []
  private var lengths: [UInt8] = []
  private var tokenCounts: [UInt8] = []

  /// The slot of a word, nil for words that are too long to store.
  func slot(of word: UnsafeBufferPointer<UInt8>) -> Int? {
    guard !word.isEmpty, word.count <= Self.mostBytes else { return nil }
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(word))
    return hasher.finalize() & (Self.slotCount - 1)
  }

  /// Passes the tokens and their lengths in bytes to `body`, if the slot has this word.
  @inline(__always)
  func tokens(of word: UnsafeBufferPointer<UInt8>, in slot: Int, _ body: (Int32, Int) -> Void) -> Bool {
    guard !keys.isEmpty, Int(keyLengths[slot]) == word.count else { return false }
    let key = slot * Self.mostBytes
    for place in 0..<word.count where keys[key + place] != word[place] { return false }
    let first = slot * Self.mostTokens
    for token in first..<first + Int(tokenCounts[slot]) { body(ids[token], Int(lengths[token])) }
    return true
  }

  mutating func keep(_ word: UnsafeBufferPointer<UInt8>, in slot: Int, _ tokens: [(id: Int32, length: Int)]) {
    guard tokens.count <= Self.mostTokens else { return }
    if keys.isEmpty {
      keys = Array(repeating: 0, count: Self.slotCount * Self.mostBytes)
      keyLengths = Array(repeating: 0, count: Self.slotCount)
      ids = Array(repeating: 0, count: Self.slotCount * Self.mostTokens)
      lengths = Array(repeating: 0, count: Self.slotCount * Self.mostTokens)
      tokenCounts = Array(repeating: 0, count: Self.slotCount)
    }
    keyLengths[slot] = UInt8(word.count)
    for place in 0..<word.count { keys[slot * Self.mostBytes + place] = word[place] }
    tokenCounts[slot] = UInt8(tokens.count)
    for (place, token) in tokens.enumerated() {
      ids[slot * Self.mostTokens + place] = token.id
      lengths[slot * Self.mostTokens + place] = UInt8(token.length)
    }
  }
}
