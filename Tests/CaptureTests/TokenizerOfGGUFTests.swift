import Diagnostics
import Models
import TestSupport
import Testing
import Tokenizers

@testable import Capture

@Suite struct TokenizerOfGGUFTests {
  private let metadata: [String: GGUFValue] = [
    "tokenizer.ggml.model": .text("gpt2"), "tokenizer.ggml.pre": .text("smollm"),
    "tokenizer.ggml.tokens": .array([.text("a"), .text("b"), .text("ab"), .text("<e>")]),
    "tokenizer.ggml.token_type": .array([.integer(1), .integer(1), .integer(1), .integer(3)]),
    "tokenizer.ggml.merges": .array([.text("a b")]), "tokenizer.ggml.eos_token_id": .integer(3),
    "tokenizer.ggml.add_bos_token": .flag(false), "tokenizer.chat_template": .text("{{ x }}"),
  ]

  @Test func metadataSayWhatTheTokenizerIs() throws {
    let vocabulary = try #require(try GGUFVocabulary(metadata))
    #expect(vocabulary.tokens == ["a", "b", "ab", "<e>"] && vocabulary.merges == ["a b"])
    #expect(vocabulary.endOfText == 3 && vocabulary.beginOfText == nil && vocabulary.addsBeginOfText == false)
    let tokenizer = try Tokenizer(vocabulary, path: "m.gguf")
    #expect(try tokenizer.encode("ab").map(\.id) == [2])
    #expect(tokenizer.chatTemplate == "{{ x }}" && tokenizer.endOfText == 3)
    #expect(try GGUFVocabulary([:]).map(\.tokens) == nil)
  }

  @Test func whatIsOfAnotherTypeIsRefusedByName() throws {
    for (key, value) in [
      ("tokenizer.ggml.tokens", GGUFValue.text("a")), ("tokenizer.ggml.merges", .array([.integer(1)])),
      ("tokenizer.ggml.eos_token_id", .flag(true)), ("tokenizer.ggml.model", .integer(1)),
    ] {
      var changed = metadata
      changed[key] = value
      let failure = try failure { try GGUFVocabulary(changed) }
      #expect(failure.message.contains("'\(key)'"))
    }
    var lacking = metadata
    lacking["tokenizer.ggml.token_type"] = nil
    #expect(try failure { try GGUFVocabulary(lacking) }.message.contains("lacks its tokens or their types"))
  }
}
