import Foundation
import TestSupport
import Testing

@testable import Tokenizers

/// Vocabularies as GGUF files hold them give what the tokenizer.json gives that they were converted from.
@Suite struct GGUFVocabularyTests {
  /// What a conversion makes of a tokenizer.json.
  func converted(_ kind: String, pre: String) throws -> GGUFVocabulary {
    let data = try Data(contentsOf: URL(filePath: fixture("tokenizers/\(kind).json")))
    let file = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let model = try #require(file["model"] as? [String: Any])
    let vocabulary = try #require(model["vocab"] as? [String: Int])
    let added = try #require(file["added_tokens"] as? [[String: Any]])
    var tokens = vocabulary.map { (id: $1, text: $0, type: 1) }
    for token in added {
      let id = try #require(token["id"] as? Int)
      tokens.removeAll { $0.id == id }
      tokens.append((id, try #require(token["content"] as? String), token["special"] as? Bool == true ? 3 : 4))
    }
    tokens.sort { $0.id < $1.id }
    var result = GGUFVocabulary(model: "gpt2", pre: pre, tokens: tokens.map(\.text), types: tokens.map(\.type))
    result.merges = try #require(model["merges"] as? [[String]]).map { $0.joined(separator: " ") }
    return result
  }

  @Test(arguments: [("gpt2", "gpt-2"), ("smollm", "smollm"), ("llama3", "llama-bpe"), ("qwen2", "qwen2")])
  func agrees(_ kind: String, _ pre: String) throws {
    let tokenizer = try Tokenizer(try converted(kind, pre: pre), path: "model.gguf")
    let oracle = try Oracle(kind, columns: 4)
    let ranges = kind != "qwen2"
    var different = 0
    for (place, text) in Oracle.texts.enumerated() {
      let plain = try tokenizer.encode(text)
      let parsed = try tokenizer.encode(text, specials: .parsed)
      if digest(plain, ranges: ranges) != oracle[place, 0] || digest(parsed, ranges: ranges) != oracle[place, 1] {
        different += 1
      }
    }
    #expect(different == 0)
  }

  /// Digits are what a conversion loses that does not look at it.
  @Test func theNameOfTheSplitterMatters() throws {
    let runs = try Tokenizer(try converted("gpt2", pre: "gpt-2"), path: "model.gguf")
    let digits = try Tokenizer(try converted("gpt2", pre: "smollm"), path: "model.gguf")
    let different = try Oracle.texts.filter { try runs.encode($0) != digits.encode($0) }
    #expect(
      different.count > 100 && different.allSatisfy { $0.unicodeScalars.contains { $0.properties.numericType != nil } })
  }

  @Test func settings() throws {
    var vocabulary = try converted("llama3", pre: "llama-bpe")
    vocabulary.beginOfText = 700
    vocabulary.endOfText = 702
    vocabulary.chatTemplate = "t"
    let tokenizer = try Tokenizer(vocabulary, path: "model.gguf")
    #expect(tokenizer.beginOfText == 700 && tokenizer.endOfText == 702 && tokenizer.chatTemplate == "t")
    #expect(tokenizer.addsBeginOfText, "as llama.cpp has it for Llama 3")
    vocabulary.addsBeginOfText = false
    #expect(try Tokenizer(vocabulary, path: "model.gguf").addsBeginOfText == false)
  }

  @Test func refusals() throws {
    func refuses(_ words: String, _ change: (inout GGUFVocabulary) -> Void) throws {
      var vocabulary = try converted("gpt2", pre: "gpt-2")
      change(&vocabulary)
      expectFailure(.badData, words) { try Tokenizer(vocabulary, path: "model.gguf") }
    }
    try refuses("'tokenizer.ggml.model' is 'bert'") { $0.model = "bert" }
    try refuses("'tokenizer.ggml.pre' is 'tekken'") { $0.pre = "tekken" }
    try refuses("'tokenizer.ggml.pre' is 'default'") { $0.pre = "default" }
    try refuses("'tokenizer.ggml.pre' is missing") { $0.pre = nil }
    try refuses("has 1 entries for 700 tokens") { $0.types = [1] }
    try refuses("has the type 9") { $0.types[3] = 9 }
    try refuses("is in the vocabulary twice") { $0.tokens[5] = $0.tokens[6] }
    try refuses("is not a pair of tokens") { $0.merges[0] = "ab" }
    try refuses("which is not in the vocabulary") { $0.merges[0] = "a \u{4E00}" }
    try refuses("'tokenizer.ggml.bos_token_id' is 700") { $0.beginOfText = 700 }
    try refuses("'tokenizer.ggml.eos_token_id' is -1") { $0.endOfText = -1 }
    try refuses("'tokenizer.ggml.scores' has 0 entries") { $0.model = "llama" }
    try refuses("'tokenizer.ggml.precompiled_charsmap'") {
      $0.model = "llama"
      $0.mapsCharacters = true
    }
    try refuses("remove_extra_whitespaces") {
      $0.model = "llama"
      $0.removesExtraBlanks = true
    }
    try refuses("has the score nan") {
      $0.model = "llama"
      $0.types[0] = 2
      $0.scores = $0.tokens.map { _ in .nan }
    }
    try refuses("0 unknown tokens instead of one") {
      $0.model = "llama"
      $0.scores = $0.tokens.map { _ in 0 }
    }
  }
}
