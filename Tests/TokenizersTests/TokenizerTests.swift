import Foundation
import Tensors
import TestSupport
import Testing

@testable import Tokenizers

/// Against the packages `tokenizers` and `sentencepiece`: every text, every kind, no difference.
@Suite struct TokenizerTests {
  static let kinds = [
    "gpt2", "prefix", "smollm", "llama3", "qwen2", "llama2", "metaspace", "lower", "splits", "added",
  ]
  /// Their normalizers change characters, and our ranges say what was normalized together.
  static let withoutRanges: Set = ["qwen2", "lower", "added"]

  @Test func thereAreManyTexts() {
    #expect(Oracle.texts.count >= 3000)
    #expect(Set(Oracle.texts.flatMap(\.unicodeScalars)).count > 5000)
  }

  @Test(arguments: kinds) func agrees(_ kind: String) throws {
    let tokenizer = try tokenizer(kind)
    let oracle = try Oracle(kind, columns: 4)
    let ranges = !Self.withoutRanges.contains(kind)
    var different: [String: [Int]] = [:]
    for (place, text) in Oracle.texts.enumerated() {
      let plain = try tokenizer.encode(text)
      let parsed = try tokenizer.encode(text, specials: .parsed)
      let whole = try tokenizer.encodeWithPostProcessor(text, specials: .parsed)
      let decoded = tokenizer.decode(parsed.map(\.id), keepsSpecials: kind == "added")
      if digest(plain, ranges: ranges) != oracle[place, 0] { different["text", default: []].append(place) }
      if digest(parsed, ranges: ranges) != oracle[place, 1] { different["parsed", default: []].append(place) }
      if digest(whole.map { Int($0.id) }) != oracle[place, 2] { different["whole", default: []].append(place) }
      if digest(decoded) != oracle[place, 3] { different["decoded", default: []].append(place) }
    }
    #expect(oracle.digests.count == 4 * Oracle.texts.count)
    for (what, places) in different {
      let shown = places.prefix(3).map { place in
        let text = Oracle.texts[place]
        let tokens = (try? tokenizer.encode(text, specials: what == "text" ? .asText : .parsed)) ?? []
        return "\(place) \(text.debugDescription): \(tokens.map { "\($0.id) \($0.range)" })"
      }
      Issue.record("\(kind), \(what): \(places.count) differ: \(shown.joined(separator: "\n"))")
    }
  }

  @Test(arguments: ["gpt2", "smollm", "llama3"]) func bytesComeBackAsTheyWere(_ kind: String) throws {
    let tokenizer = try tokenizer(kind)
    for text in Oracle.texts {
      let tokens = try tokenizer.encode(text)
      #expect(tokenizer.decode(tokens.map(\.id)).utf8.elementsEqual(text.utf8))
      // In whole characters the ranges follow each other and leave nothing out.
      var end = 0
      for token in tokens {
        #expect(token.range.lowerBound <= end && token.range.upperBound >= end && !token.range.isEmpty)
        end = token.range.upperBound
      }
      #expect(end == text.utf8.count)
    }
  }

  /// Qwen2's tokenizer composes characters first, so that they come back composed.
  @Test func equivalentTextComesBackFromQwen2() throws {
    let tokenizer = try tokenizer("qwen2")
    for text in Oracle.texts { #expect(tokenizer.decode(try tokenizer.encode(text).map(\.id)) == text) }
  }

  @Test func examplesAreAsWritten() throws {
    let json = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(filePath: fixture("tokenizers/examples.json"))))
    let examples = try #require(json as? [String: Any])
    let places = try #require(examples["texts"] as? [Int])
    #expect(places.count > 20)
    for kind in Self.kinds {
      let tokenizer = try tokenizer(kind)
      let ids = try #require(examples[kind] as? [[Int]])
      for (place, ids) in zip(places, ids) {
        #expect(try tokenizer.encode(Oracle.texts[place]).map { Int($0.id) } == ids, "\(kind) \(place)")
      }
    }
  }
}
