import Diagnostics
import Tokenizers

/// The tokens of a sample that count.
package enum LossSpan: String, Sendable, CaseIterable {
  /// Those of the answers, including their ends.
  case answer
  /// All.
  case all
}

/// A sample as a model sees it.
package struct TokenizedSample: Sendable, Equatable {
  package let record: Record
  package var tokens: [Int32]

  /// For each token, the part that it belongs to.
  package var parts: [Segment.Part]

  /// The number of tokens of the file's sample, before anything was cut off.
  package let fullLength: Int

  /// Whether each token counts; the first never does, because nothing precedes it from which to predict it.
  package func counts(_ span: LossSpan) -> [Bool] {
    parts.enumerated().map { place, part in place > 0 && (span == .all || part == .answer) }
  }

  package var isCut: Bool { tokens.count < fullLength }

  /// Whether a part of an answer was cut off.
  package let isAnswerCut: Bool

  /// The same without the prompt: what the template puts before answers stays, and so do the answers' own tokens. Nil if there
  /// is no prompt.
  ///
  /// - parameter beginOfText: Put in front if nothing else precedes the answer's first token.
  package func withoutPrompt(beginOfText: Int32?) -> TokenizedSample? {
    guard parts.contains(.prompt) else { return nil }
    let kept = parts.indices.filter { parts[$0] != .prompt }
    var copy = self
    copy.tokens = kept.map { tokens[$0] }
    copy.parts = kept.map { parts[$0] }
    if let beginOfText, copy.parts.first == .answer {
      copy.tokens.insert(beginOfText, at: 0)
      copy.parts.insert(.frame, at: 0)
    }
    return copy
  }
}

/// Converts records to tokens, with one template.
///
/// A text between two special tokens is tokenised as a whole, as in training; a token belongs to the answer if any of its
/// characters does. User text is never special, however it is spelled: special tokens come only from the template.
package struct SampleEncoder: Sendable {
  let tokenizer: Tokenizer?
  let template: Template?
  /// The number of rows of the model's embeddings.
  let vocabulary: Int
  private let maximumLength: Int?

  /// - parameters:
  ///   - tokenizer: Not needed for samples that are tokens.
  ///   - template: From ``Template/choose(_:for:chatTemplate:)``.
  ///   - maximumLength: Tokens beyond this number are cut off.
  package init(tokenizer: Tokenizer?, template: Template?, vocabulary: Int, maximumLength: Int?) {
    self.tokenizer = tokenizer
    self.template = template
    self.vocabulary = vocabulary
    self.maximumLength = maximumLength
  }

  /// - throws: ``Failure`` with the line: tokens that the model does not have, a sample that the template cannot represent.
  package func encode(_ record: Record) throws -> TokenizedSample {
    do {
      let (tokens, parts) = try pieces(of: record.content)
      try check(tokens)
      let length = min(tokens.count, maximumLength ?? tokens.count)
      return TokenizedSample(
        record: record, tokens: Array(tokens.prefix(length)), parts: Array(parts.prefix(length)),
        fullLength: tokens.count, isAnswerCut: parts.dropFirst(length).contains(.answer))
    } catch let failure as Failure {
      throw failure.at(line: record.line)
    }
  }

  /// Refuses tokens that the model does not have.
  func check(_ tokens: [Int32]) throws {
    guard let stranger = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) else { return }
    throw Failure(
      .badData, "has the token id \(stranger), but the model has only \(vocabulary)",
      advice: "use a tokenizer and a base model from the same folder")
  }

  private func pieces(of content: Record.Content) throws -> ([Int32], [Segment.Part]) {
    if case .tokens(let ids, let learned) = content { return (ids, Self.parts(ids, learned, tokenizer?.beginOfText)) }
    return try written(content) { $0 }
  }

  /// The tokens of those segments of a content that `choose` leaves.
  func written(_ content: Record.Content, _ choose: ([Segment]) throws -> [Segment]) throws -> ([Int32], [Segment.Part])
  {
    guard let template, let tokenizer else {
      throw Failure(
        .missingInput, "is text, but the base model has no tokenizer",
        advice: "put tokenizer.json into the base model's folder, or write {input_ids, labels}")
    }
    return try SegmentTokens(choose(try template.segments(of: content)), template, tokenizer).result
  }

  /// If a sample has only tokens, only the beginning of the text can be distinguished from the prompt.
  private static func parts(_ ids: [Int32], _ learned: [Bool], _ beginOfText: Int32?) -> [Segment.Part] {
    learned.enumerated().map { place, isLearned in
      isLearned ? .answer : place == 0 && beginOfText != nil && ids[0] == beginOfText ? .frame : .prompt
    }
  }
}
