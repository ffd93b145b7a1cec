import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers

@testable import Datasets

/// Questions as models get them to go on from, and choices.
@Suite struct AskedSampleTests {
  private func encoder(_ template: Template?, _ name: String = "bytes") throws -> (SampleEncoder, Tokenizer) {
    let tokenizer = try Tokenizer(folder: fixture("datasets/\(name)"))
    return (
      SampleEncoder(
        tokenizer: tokenizer, template: template, vocabulary: tokenizer.vocabularySize, maximumLength: nil), tokenizer
    )
  }

  private func record(_ content: Record.Content) -> Record { Record(line: 3, id: "x", domain: nil, content: content) }

  private static let conversation = Record.Content.conversation(
    [.init(.user, "one"), .init(.assistant, "two"), .init(.user, "three"), .init(.assistant, " four\n")], given: 0)

  @Test func thePromptIsAllBeforeTheLastAnswer() throws {
    let (encoder, tokenizer) = try encoder(.chatml)
    let asked = try encoder.ask(record(Self.conversation))
    #expect(asked.reference == "four")
    #expect(
      tokenizer.decode(asked.prompt)
        == "<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n"
        + "<|im_start|>assistant\n")
    // It is what the sample itself begins with.
    #expect(try encoder.encode(record(Self.conversation)).tokens.starts(with: asked.prompt))
    #expect(encoder.stops == [tokenizer.id(of: "<|im_end|>")])
  }

  @Test(arguments: [
    (Template.alpaca, "request.\n\n### Instruction:\nDo it\n\n### Input:\nthis\n\n### Response:\n"),
    (.plain, "Do it\nthis\n"), (.qwen3, "<|im_start|>assistant\n"),
  ]) func tasksEndWhereTheAnswerIsDue(_ template: Template, _ end: String) throws {
    let (encoder, tokenizer) = try encoder(template)
    let task = Record.Content.instruction(system: nil, instruction: "Do it", input: "this", answer: "done")
    if template == .qwen3, tokenizer.id(of: "<think>") == nil { return }
    let asked = try encoder.ask(record(task))
    #expect(tokenizer.decode(asked.prompt).hasSuffix(end) && asked.reference == "done")
  }

  @Test func thoughtsAreNoPartOfAnAnswer() throws {
    let (encoder, _) = try encoder(.qwen3)
    #expect(encoder.answer(in: "<think>\nwell\n</think>\n\n yes ") == "yes")
    #expect(try self.encoder(.chatml).0.answer(in: " <think>x</think> yes\n") == "<think>x</think> yes")
  }

  @Test func tokensAreAskedUpToTheirLastAnswer() throws {
    let (encoder, tokenizer) = try encoder(nil)
    let words = try tokenizer.encode("ab").map(\.id)
    let content = Record.Content.tokens(
      words + words + words, learned: words.map { _ in true } + words.map { _ in false } + words.map { _ in true })
    #expect(try encoder.ask(record(content)) == AskedSample(prompt: words + words, reference: "ab"))
    #expect(encoder.stops == [tokenizer.endOfText])
  }

  @Test func whatAsksNothingIsRefused() throws {
    for content: Record.Content in [.text("a"), .conversation([.init(.user, "a")], given: 0)] {
      let failure = try failure { try encoder(.chatml).0.ask(record(content)) }
      #expect(failure.kind == .badData && failure.position?.line == 3)
    }
    let failure = try failure { try encoder(.alpacaClues).0.ask(record(.completion(prompt: "a", completion: "b"))) }
    #expect(failure.kind == .usage)
  }

  private func questions(_ text: String) throws -> ChoiceDataset {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "q.jsonl").path
      try Data(text.utf8).write(to: URL(filePath: path))
      #expect(try ChoiceDataset.isOne(path, limits: Limits()))
      return try ChoiceDataset(path: path)
    }
  }

  @Test func choicesAreLearnedWithoutTheEndOfTheTurn() throws {
    let asks = [
      #""question": "q""#, #""prompt": "q""#, #""instruction": "q", "input": """#,
      #""messages": [{"role": "user", "content": "q"}]"#, #""prompt": [{"role": "user", "content": "q"}]"#,
    ]
    for ask in asks {
      let dataset = try questions(
        "{\(ask), \"choices\": [\"yes it is\", \"no\"], \"answer\": 1, \"id\": 7, \"extra\": 1}")
      let question = dataset.questions[0]
      #expect(question.answer == 1 && question.id == "7" && question.choices == ["yes it is", "no"])
      #expect(dataset.notes.count == 1 && dataset.notes[0].contains("'extra' is not used"))
      let (encoder, tokenizer) = try encoder(.chatml)
      let sample = try encoder.encode(0, of: question)
      #expect(
        tokenizer.decode(sample.tokens) == "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nyes it is", "\(ask)")
      let own = sample.tokens.indices.filter { sample.parts[$0] == .answer }.map { sample.tokens[$0] }
      #expect(tokenizer.decode(own) == "yes it is")
    }
  }

  @Test func filesWithoutChoicesAreOthers() throws {
    #expect(try !ChoiceDataset.isOne(fixture("capture/train.jsonl"), limits: Limits()))
  }
}
