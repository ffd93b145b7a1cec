import Diagnostics
import Tokenizers

/// The prompt that a model is to continue, and the reference answer.
package struct AskedSample: Sendable, Equatable {
  package let prompt: [Int32]

  /// The answer, without what the template puts around it.
  package let reference: String
}

extension SampleEncoder {
  /// A sample up to its last answer, which the model is to write.
  ///
  /// - throws: ``Failure`` with the line: a sample without a question, and what ``encode(_:)`` refuses.
  package func ask(_ record: Record) throws -> AskedSample {
    do {
      let asked = try asked(record.content)
      try check(asked.prompt)
      return asked
    } catch let failure as Failure {
      throw failure.at(line: record.line)
    }
  }

  /// Refuses the template that counts its own words as part of the answer.
  private func checkThatAnswersStandAlone() throws {
    guard template == .alpacaClues else { return }
    throw Failure(
      .usage, "the template 'alpaca-clues' counts the heading of the response as a part of the answer",
      advice: "measure losses alone with it, or name the template alpaca")
  }

  private func asked(_ content: Record.Content) throws -> AskedSample {
    try checkThatAnswersStandAlone()
    let reference: String
    switch content {
    case .tokens(let ids, let learned):
      guard let tokenizer else {
        throw Failure(
          .missingInput, "has an answer of tokens, and the base model has no tokenizer to read it by",
          advice: "put tokenizer.json into the base model's folder")
      }
      let end = (learned.lastIndex(of: true) ?? -1) + 1
      let start = (learned[..<end].lastIndex(of: false) ?? -1) + 1
      let words = tokenizer.decode(Array(ids[start..<end]), keepsSpecials: false)
      return AskedSample(prompt: Array(ids[..<start]), reference: answer(in: words))
    case .text:
      throw Failure(
        .badData, "is a text that asks nothing, so there is nothing to answer",
        advice: "write {prompt, completion}, or measure losses alone")
    case .instruction(_, _, _, let answer): reference = answer
    case .completion(_, let completion): reference = completion
    case .conversation(let messages, _):
      guard let last = messages.last, last.role == .assistant else {
        throw Failure(
          .badData, "does not end with an answer of the assistant", advice: "leave out what is said behind it")
      }
      reference = last.content
    }
    let prompt = try written(content) { segments in
      Array(segments[..<(segments.lastIndex { $0.part != .answer }.map { $0 + 1 } ?? 0)])
    }
    return AskedSample(prompt: prompt.0, reference: answer(in: reference))
  }

  /// A model's answer without its thoughts, if the template has them, and surrounding white space.
  package func answer(in text: String) -> String {
    (template == .qwen3 ? Template.thoughts(in: text).words : text).trimmedOfPythonBlanks
  }

  /// The tokens that end an answer.
  package var stops: Set<Int32> {
    guard let template, let tokenizer else { return Set([tokenizer?.endOfText].compactMap { $0 }) }
    let segments = (try? template.segments(of: .completion(prompt: "?", completion: "!"))) ?? []
    let ends = segments.reversed().prefix { if case .text("!") = $0.content { false } else { true } }
    return Set(
      ends.compactMap { segment -> Int32? in
        switch segment.content {
        case .text, .beginOfText: nil
        case .endOfText: tokenizer.endOfText
        case .special(let name): tokenizer.id(of: name)
        }
      } + [tokenizer.endOfText].compactMap { $0 })
  }

  /// A question with one of its choices; the end of the turn or text is not part of the answer's tokens.
  ///
  /// - throws: ``Failure`` with the line, as ``encode(_:)``.
  package func encode(_ choice: Int, of question: ChoiceQuestion) throws -> TokenizedSample {
    let content = question.contents[choice]
    try checkThatAnswersStandAlone()
    do {
      let (tokens, parts) = try written(content) { segments in
        let end = segments.lastIndex { segment in
          if case .text(let text) = segment.content { return !text.trimmedOfPythonBlanks.isEmpty }
          return false
        }
        return Array(segments[...(end ?? segments.count - 1)])
      }
      try check(tokens)
      // Earlier answers of a conversation are part of the question.
      let start = (parts.lastIndex { $0 != .answer } ?? -1) + 1
      let own = parts.enumerated().map { $0 < start && $1 == .answer ? .prompt : $1 }
      let record = Record(line: question.line, id: question.id, domain: question.domain, content: content)
      return TokenizedSample(
        record: record, tokens: tokens, parts: own, fullLength: tokens.count, isAnswerCut: false)
    } catch let failure as Failure {
      throw failure.at(line: question.line)
    }
  }
}
