import Diagnostics
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Tokenizers

/// Files that somebody changed: whatever they hold, there is a tokenizer or a failure.
@Suite struct HostileTokenizerTests {
  static let texts = ["", "Hello world 12345", " \u{2581}é e\u{301} 😀\r\n\t", "<s>a</s> <|endoftext|> [MASK]"]

  /// Reads and uses a tokenizer; gives whether it could be read.
  func use(_ make: () throws -> Tokenizer) throws -> Bool {
    do {
      let tokenizer = try make()
      for text in Self.texts {
        for specials in [Specials.asText, .parsed] {
          guard let tokens = try? tokenizer.encodeWithPostProcessor(text, specials: specials) else { continue }
          #expect(
            tokens.allSatisfy {
              $0.id >= 0 && $0.id < tokenizer.vocabularySize && $0.range.upperBound <= text.utf8.count
            })
          _ = tokenizer.decode(tokens.map(\.id))
        }
      }
      return true
    } catch is Failure {
      return false
    }
  }

  @Test(arguments: ["llama3", "llama2", "added", "splits"]) func flippedBytes(_ kind: String) throws {
    var chance = SplitMix64(seed: 7)
    let bytes = Array(try Data(contentsOf: URL(filePath: fixture("tokenizers/\(kind).json"))))
    var read = 0
    for _ in 0..<1000 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...3, using: &chance) {
        changed[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
      }
      if try use({ try Tokenizer(json: Bytes(changed), path: "tokenizer.json") }) { read += 1 }
    }
    #expect(read < 1000)
  }

  /// Values in the place of others, where every byte is fine.
  @Test(arguments: ["llama3", "llama2", "added", "splits"]) func exchangedValues(_ kind: String) throws {
    var chance = SplitMix64(seed: 11)
    let bytes = try Bytes(mapping: fixture("tokenizers/\(kind).json"))
    var reader = JSONReader()
    reader.keysOfTables = ["vocab"]
    let value = try bytes.withUnsafeBytes { try reader.read($0) }
    let others: [JSONValue] = [
      .null, true, 0, -1, 1, 255, 4_194_303, .integer(.max), .integer(.min), 0.5, 1e300, "", "a", "\u{2581}", "<s>",
      "Sequence", "Replace", "ByteLevel", [], [:], ["a", "b"], [[]], ["type": "Sequence"],
    ]
    var read = 0
    for _ in 0..<1500 {
      var changed = value
      for _ in 0..<Int.random(in: 1...2, using: &chance) { exchange(&changed, others, &chance) }
      if try use({ try Tokenizer(json: Bytes(changed.text().utf8), path: "tokenizer.json") }) { read += 1 }
    }
    #expect(read > 0 && read < 1500)
  }

  private func exchange(_ value: inout JSONValue, _ others: [JSONValue], _ chance: inout SplitMix64) {
    switch value {
    case .array(var elements) where !elements.isEmpty && Int.random(in: 0..<6, using: &chance) > 0:
      let place = Int.random(in: 0..<elements.count, using: &chance)
      exchange(&elements[place], others, &chance)
      value = .array(elements)
    case .object(var object) where !object.isEmpty && Int.random(in: 0..<6, using: &chance) > 0:
      let key = object.keys[Int.random(in: 0..<object.count, using: &chance)]
      var member = object[key] ?? .null
      exchange(&member, others, &chance)
      object[key] = member
      value = .object(object)
    default: value = others[Int.random(in: 0..<others.count, using: &chance)]
    }
  }

  @Test func brokenPieces() throws {
    var chance = SplitMix64(seed: 13)
    let bytes = Array(try Data(contentsOf: URL(filePath: fixture("tokenizers/pieces.model"))))
    var read = 0
    for _ in 0..<3000 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...3, using: &chance) {
        changed[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
      }
      if Bool.random(using: &chance) { changed.removeLast(Int.random(in: 0..<bytes.count, using: &chance)) }
      if try use({ try Tokenizer(model: Bytes(changed), path: "tokenizer.model") }) { read += 1 }
    }
    #expect(read > 0 && read < 3000)
    for count in stride(from: 0, to: bytes.count, by: 37) {
      #expect(try !use { try Tokenizer(model: Bytes(bytes[..<count]), path: "tokenizer.model") }, "\(count) bytes")
    }
  }

  @Test func settingsOfPieces() throws {
    let model = Array(try Data(contentsOf: URL(filePath: fixture("tokenizers/pieces.model"))))
    // Fields that come later count: appended settings take the place of the file's own.
    for (appended, words) in [
      ([0x12, 2, 0x18, 1], "of the type Unigram"), ([0x12, 2, 0x18, 3], "of the type Word"),
      ([0x12, 3, 0xC0, 0x01, 1], "treat_whitespace_as_suffix"), ([0x1A, 2, 0x20, 1], "remove_extra_whitespaces"),
      ([0x1A, 2, 0x28, 0], "escape_whitespaces"), ([0x1A, 3, 0x12, 1, 0x41], "normalizes texts by the table"),
      ([0x12, 3, 0x98, 0x02, 0], "a 'byte_fallback' that contradicts"), ([0x0A, 0], "an empty piece"),
      ([0x0A, 5, 0x0A, 1, 0x78, 0x18, 9], "a piece of the type 9"),
      ([0x0A, 3, 0x0A, 1, 0xFF], "a piece that is not a text"),
      ([0x0A, 0x7F], "ends early"), ([0x0B], "wire type 3"), ([0x02, 0], "a field 0"), ([0x80], "ends early"),
      (Array(repeating: 0xFF, count: 11), "more than ten bytes"),
    ] as [([UInt8], String)] {
      expectFailure(.badData, words) { try Tokenizer(model: Bytes(model + appended), path: "tokenizer.model") }
    }
    // Without a blank before the text.
    let tokenizer = try Tokenizer(model: Bytes(model + [0x1A, 2, 0x18, 0]), path: "tokenizer.model")
    let ids = try tokenizer.encode("a").map(\.id)
    #expect(ids == [tokenizer.id(of: "a")] && tokenizer.decode(ids) == "a")
    #expect(tokenizer.decode(try tokenizer.encode(" a").map(\.id)) == " a")
  }
}
