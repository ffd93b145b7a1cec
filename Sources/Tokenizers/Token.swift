/// One token of an encoded text.
package struct Token: Equatable, Sendable {
  /// The token's row in the model's embeddings.
  package let id: Int32

  /// The bytes of the text's UTF-8 that the token represents, widened to whole characters; empty if it is not in the text.
  package let range: Range<Int>

  package init(id: Int32, range: Range<Int>) {
    self.id = id
    self.range = range
  }
}

/// The meaning of special tokens that are spelled out in a text.
package enum Specials: Sendable {
  /// They are ordinary text, so that no text can forge the turns of a conversation.
  case asText
  /// They are the tokens that they spell.
  case parsed
}
