import Foundation
import Tensors
import TestSupport
import Testing

@testable import Tokenizers

/// Against SentencePiece itself.
@Suite struct PieceTests {
  @Test func agrees() throws {
    let path = fixture("tokenizers/pieces.model")
    let bytes = try Bytes(mapping: path)
    let tokenizer = try Tokenizer(model: bytes, path: path)
    try compare(tokenizer)
    #expect(tokenizer.beginOfText == 1 && tokenizer.endOfText == 2 && tokenizer.vocabularySize == 900)
    #expect(try tokenizer.encode("<s>a<ctl>").map(\.id) != tokenizer.encode("<s>a<ctl>", specials: .parsed).map(\.id))
  }

  @Test func agreesWhenReadFromGGUF() throws {
    let pieces = try SentencePieceFile(Bytes(mapping: fixture("tokenizers/pieces.model"))).vocabulary.pieces
    var vocabulary = GGUFVocabulary(
      model: "llama", pre: "default", tokens: pieces.map { String(decoding: $0.content, as: UTF8.self) },
      types: pieces.map(\.kind.rawValue))
    vocabulary.scores = pieces.map(\.score)
    vocabulary.beginOfText = 1
    let tokenizer = try Tokenizer(vocabulary, path: "model.gguf")
    try compare(tokenizer)
    #expect(tokenizer.addsBeginOfText)
    #expect(try tokenizer.encodeWithPostProcessor("a").first == Token(id: 1, range: 0..<0))
  }

  private func compare(_ tokenizer: Tokenizer) throws {
    let oracle = try Oracle("pieces", columns: 2)
    #expect(oracle.digests.count == 2 * Oracle.texts.count)
    var different: [Int] = []
    var decoded: [Int] = []
    for (place, text) in Oracle.texts.enumerated() {
      let tokens = try tokenizer.encode(text)
      if digest(tokens, ranges: false) != oracle[place, 0] { different.append(place) }
      if digest(tokenizer.decode(tokens.map(\.id))) != oracle[place, 1] { decoded.append(place) }
    }
    let shown = (different + decoded).prefix(4).map { place in
      "\(place) \(Oracle.texts[place].debugDescription): \((try? tokenizer.encode(Oracle.texts[place])) ?? [])"
    }
    #expect(different.isEmpty && decoded.isEmpty, "\(different.count), \(decoded.count): \(shown)")
  }
}
