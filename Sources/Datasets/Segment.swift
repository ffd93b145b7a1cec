/// A piece of a sample as formatted by a template.
package struct Segment: Sendable, Equatable {
  package let content: Content
  package let part: Part

  package enum Content: Sendable, Equatable {
    /// Text without special tokens, however it is spelled.
    case text(String)
    /// The token with this name.
    case special(String)
    /// The tokenizer's own tokens for the begin and the end of a text.
    case beginOfText, endOfText
  }

  /// The role of a piece.
  package enum Part: Sendable, Equatable {
    /// The prompt; omitted to measure the untuned model without it.
    case prompt
    /// What the template puts before an answer; never learned as an answer, and present with or without the prompt.
    case frame
    /// What is learned, up to the end of the turn.
    case answer
  }

  init(_ content: Content, _ part: Part) { (self.content, self.part) = (content, part) }

  static func text(_ text: String, _ part: Part) -> Segment { Segment(.text(text), part) }
  static func special(_ name: String, _ part: Part) -> Segment { Segment(.special(name), part) }
}
