import Diagnostics
import Synchronization

/// Converts text to the token ids of one model, and back, like the package `tokenizers`.
///
/// Only byte-pair encoding is supported; any unsupported part of a file is refused by name.
package final class Tokenizer: Sendable {
  private let parts: TokenizerParts

  /// Working memory for encoding, as many as have been in use at a time.
  // Locked because texts are encoded on several threads, each with a workspace of its own.
  private let workspaces = Mutex<[BytePairModel.Workspace]>([])

  /// The largest token id plus one.
  package let vocabularySize: Int

  /// The tokens that begin and end a text, if the files name them.
  package var beginOfText: Int32? { parts.settings.beginOfText }
  package var endOfText: Int32? { parts.settings.endOfText }

  /// Whether a standalone text should begin with ``beginOfText``.
  package var addsBeginOfText: Bool { parts.settings.addsBeginOfText }

  /// The Jinja template for conversations in the files.
  package var chatTemplate: String? { parts.settings.chatTemplate }

  init(_ parts: TokenizerParts) {
    self.parts = parts
    vocabularySize = max(parts.model.vocabulary.idCount, Int(parts.added.largestID ?? -1) + 1)
  }

  /// The maximum size of a text that is encoded at once, the same as that of a JSON line.
  private static let mostBytes = 1 << 24

  /// The tokens of a text, without any that are not in it.
  ///
  /// - throws: ``Failure`` if a character has no token.
  package func encode(_ text: String, specials: Specials = .asText) throws -> [Token] {
    var workspace = workspaces.withLock { $0.popLast() } ?? BytePairModel.Workspace()
    defer {
      workspace.trim()
      workspaces.withLock { $0.append(workspace) }
    }
    var text = text
    var tokens: [Token] = []
    try text.withUTF8 { bytes in
      guard bytes.count <= Self.mostBytes else {
        throw Failure(
          .badData, "a text has \(bytes.count) bytes, more than \(Self.mostBytes)", advice: "split it into several")
      }
      for part in parts.added.parts(of: bytes, isNormalized: false, specials: specials) {
        if let id = part.id {
          tokens.append(Token(id: id, range: part.range))
        } else {
          let piece = AlignedText(Array(bytes[part.range]), at: part.range.lowerBound)
          try encode(piece, specials, &workspace, &tokens)
        }
      }
    }
    return tokens
  }

  /// The tokens of a text with those that the file's post-processor adds around it; their ranges are empty.
  package func encodeWithPostProcessor(_ text: String, specials: Specials = .asText) throws -> [Token] {
    let tokens = try encode(text, specials: specials)
    let end = text.utf8.count
    return parts.postProcessor.before.map { Token(id: $0, range: 0..<0) } + tokens
      + parts.postProcessor.behind.map { Token(id: $0, range: end..<end) }
  }

  /// The text of tokens; an unknown id becomes a replacement character.
  ///
  /// - parameter keepsSpecials: Whether special tokens are written out.
  package func decode(_ ids: [Int32], keepsSpecials: Bool = true) -> String {
    parts.decoder.text(
      of: ids.compactMap { id in
        if !keepsSpecials, parts.added.isSpecial(id) { return nil }
        return parts.added.content(of: id) ?? parts.model.vocabulary.content(of: id).map(Array.init)
          ?? Array("\u{FFFD}".utf8)
      })
  }

  /// The id of the token with this content, as spelled in the file.
  package func id(of token: String) -> Int32? { parts.id(of: Array(token.utf8)) }

  private func encode(
    _ piece: AlignedText, _ specials: Specials, _ workspace: inout BytePairModel.Workspace, _ tokens: inout [Token]
  ) throws {
    var piece = piece
    try parts.normalizer.apply(to: &piece)
    let split = piece.bytes.withUnsafeBufferPointer {
      parts.added.parts(of: $0, isNormalized: true, specials: specials)
    }
    for part in split {
      if let id = part.id {
        tokens.append(Token(id: id, range: piece.source(of: part.range)))
      } else if split.count == 1 {
        try encode(&piece, &workspace, &tokens)
      } else {
        var rest = piece[part.range]
        try encode(&rest, &workspace, &tokens)
      }
    }
  }

  private func encode(
    _ piece: inout AlignedText, _ workspace: inout BytePairModel.Workspace, _ tokens: inout [Token]
  ) throws {
    let words = try parts.preTokenizer.words(of: &piece)
    try piece.bytes.withUnsafeBufferPointer { bytes in
      for word in words {
        var place = word.lowerBound
        try parts.model.encode(UnsafeBufferPointer(rebasing: bytes[word]), &workspace) { id, length in
          tokens.append(Token(id: id, range: piece.source(of: place..<place + length)))
          place += length
        }
      }
    }
  }
}

/// One token of an encoded text.
package struct Token: Equatable, Sendable {
  /// The token's row in the model's embeddings.
  package let id: Int32

  /// The bytes of the text's UTF-8 that the token stands for, widened to whole characters; empty for what is not in the text.
  package let range: Range<Int>

  package init(id: Int32, range: Range<Int>) {
    self.id = id
    self.range = range
  }
}

/// What special tokens mean that are written out inside a text.
package enum Specials: Sendable {
  /// They are text like any other, so that no text can forge the turns of a conversation.
  case asText
  /// They are the tokens that they spell.
  case parsed
}

/// The parts that a tokenizer is made of.
struct TokenizerParts: Sendable {
  var added: AddedTokens
  var normalizer = Normalizer()
  var preTokenizer = PreTokenizer()
  var model: BytePairModel
  var postProcessor = PostProcessor()
  var decoder: Decoder
  var settings = TokenizerSettings()

  func id(of content: [UInt8]) -> Int32? { added.id(of: content) ?? model.vocabulary.id(of: content) }
}

/// The tokens that are added around every text.
struct PostProcessor: Sendable {
  var before: [Int32] = []
  var behind: [Int32] = []
}

/// Settings of a tokenizer other than how it splits.
struct TokenizerSettings: Sendable {
  var beginOfText: Int32?
  var endOfText: Int32?
  var addsBeginOfText = false
  var chatTemplate: String?
}
