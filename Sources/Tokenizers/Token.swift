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
