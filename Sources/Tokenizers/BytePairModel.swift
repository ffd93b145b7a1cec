import Diagnostics

/// Byte-pair encoding: a word becomes symbols, and neighbours are joined as long as there is a merge for them.
struct BytePairModel: Sendable {
  let vocabulary: Vocabulary
  let merges: MergeTable

  /// Whether a word that is a token becomes that token, regardless of the merges.
  let ignoresMerges: Bool

  /// The token for unknown characters, and whether neighbouring ones become one token.
  let unknown: Int32?
  let fusesUnknown: Bool

  /// The tokens of the 256 bytes for characters without a token; nil if these stay unknown.
  let byteTokens: [Int32?]?

  /// The tokens of the 256 bytes if words are bytes; nil if they are characters.
  let alphabet: [Int32?]?

  init(
    vocabulary: Vocabulary, merges: MergeTable, ignoresMerges: Bool = false, unknown: Int32? = nil,
    fusesUnknown: Bool = false, fallsBackToBytes: Bool = false, isByteLevel: Bool
  ) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.ignoresMerges = ignoresMerges
    self.unknown = unknown
    self.fusesUnknown = fusesUnknown
    byteTokens = fallsBackToBytes ? (0..<256).map { vocabulary.id(of: Self.byteToken(UInt8($0))) } : nil
    alphabet = isByteLevel ? ByteAlphabet.characters.map { vocabulary.id(of: $0) } : nil
  }

  /// `<0x0A>`, SentencePiece's notation for a byte.
  static func byteToken(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
  }

  /// Working memory for encoding; one for each text that is being encoded.
  struct Workspace: Sendable {
    fileprivate var cache = WordCache()
    fileprivate var queue = MergeQueue()
    fileprivate var tokens: [(id: Int32, length: Int)] = []
    fileprivate var spelling: [UInt8] = []

    /// Frees what only an unusually long word needed.
    mutating func trim() {
      guard tokens.capacity > 1 << 14 || queue.capacity > 1 << 14 else { return }
      tokens = []
      queue = MergeQueue()
    }
  }

  /// Passes the tokens of a word, each with its number of bytes, to `body`.
  ///
  /// - throws: ``Failure`` if a character has no token and the vocabulary has no unknown token.
  func encode(
    _ word: UnsafeBufferPointer<UInt8>, _ workspace: inout Workspace, _ body: (Int32, Int) -> Void
  ) throws {
    let slot = workspace.cache.slot(of: word)
    if let slot, workspace.cache.tokens(of: word, in: slot, body) { return }
    workspace.tokens.removeAll(keepingCapacity: true)
    if ignoresMerges, let id = wholeWord(word, &workspace.spelling) {
      workspace.tokens.append((id, word.count))
    } else {
      workspace.queue.clear()
      if alphabet != nil {
        try spellBytes(word, &workspace.queue)
      } else {
        try spellCharacters(word, &workspace.queue)
      }
      workspace.queue.merge(by: merges)
      workspace.queue.visit { workspace.tokens.append(($0, $1)) }
    }
    if let slot { workspace.cache.keep(word, in: slot, workspace.tokens) }
    for token in workspace.tokens { body(token.id, token.length) }
  }

  private func wholeWord(_ word: UnsafeBufferPointer<UInt8>, _ spelling: inout [UInt8]) -> Int32? {
    guard alphabet != nil else { return vocabulary.id(of: word) }
    spelling.removeAll(keepingCapacity: true)
    for byte in word { spelling += ByteAlphabet.characters[Int(byte)] }
    return vocabulary.id(of: spelling)
  }

  private func spellBytes(_ word: UnsafeBufferPointer<UInt8>, _ queue: inout MergeQueue) throws {
    guard let alphabet else { return }
    var pending: (id: Int32, length: Int)?
    for byte in word {
      if let id = alphabet[Int(byte)] {
        flush(&pending, &queue)
        queue.append(id, length: 1)
      } else {
        try append(unknownOf: 1, "the byte 0x\(String(byte, radix: 16, uppercase: true))", &pending, &queue)
      }
    }
    flush(&pending, &queue)
  }

  private func spellCharacters(_ word: UnsafeBufferPointer<UInt8>, _ queue: inout MergeQueue) throws {
    var pending: (id: Int32, length: Int)?
    var place = 0
    while place < word.count {
      let (value, end) = word.scalar(at: place)
      let character = UnsafeBufferPointer(rebasing: word[place..<end])
      place = end
      if let id = vocabulary.id(of: character) {
        flush(&pending, &queue)
        queue.append(id, length: character.count)
      } else if let ids = bytes(of: character) {
        // As in `tokenizers`, pending symbols come after these.
        for id in ids { queue.append(id, length: 1) }
      } else {
        try append(unknownOf: character.count, "U+\(String(value, radix: 16, uppercase: true))", &pending, &queue)
      }
    }
    flush(&pending, &queue)
  }

  private func bytes(of character: UnsafeBufferPointer<UInt8>) -> [Int32]? {
    guard let byteTokens else { return nil }
    let ids = character.compactMap { byteTokens[Int($0)] }
    return ids.count == character.count ? ids : nil
  }

  private func append(
    unknownOf length: Int, _ what: @autoclosure () -> String, _ pending: inout (id: Int32, length: Int)?,
    _ queue: inout MergeQueue
  ) throws {
    guard let unknown else {
      throw Failure(
        .badData, "the text has \(what()), for which the tokenizer has no token",
        advice: "leave the sample out, or use the model's own tokenizer")
    }
    if fusesUnknown, let before = pending {
      pending = (before.id, before.length + length)
    } else {
      flush(&pending, &queue)
      pending = (unknown, length)
    }
  }

  private func flush(_ pending: inout (id: Int32, length: Int)?, _ queue: inout MergeQueue) {
    if let waiting = pending { queue.append(waiting.id, length: waiting.length) }
    pending = nil
  }
}
