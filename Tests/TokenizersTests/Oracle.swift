import Foundation
import Tensors
import TestSupport

@testable import Tokenizers

/// What other people's software made of the texts; `Tests/Fixtures/tokenizers/make.py` says how it is written.
struct Oracle {
  let digests: [UInt32]
  let columns: Int

  init(_ kind: String, columns: Int) throws {
    let bytes = try Data(contentsOf: URL(filePath: fixture("tokenizers/\(kind).bin")))
    digests = bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
    self.columns = columns
  }

  subscript(text: Int, column: Int) -> UInt32 { digests[columns * text + column] }

  /// The texts, among them hundreds in each of many scripts and of random characters.
  static let texts: [String] = {
    let bytes = try! Data(contentsOf: URL(filePath: fixture("tokenizers/texts.bin")))
    var texts: [String] = []
    var place = 0
    while place < bytes.count {
      let count = Int(bytes[place..<place + 4].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
      texts.append(String(decoding: bytes[place + 4..<place + 4 + count], as: UTF8.self))
      place += 4 + count
    }
    return texts
  }()
}

/// FNV-1a over 32-bit words.
func digest(_ words: some Sequence<Int>) -> UInt32 {
  words.reduce(0x811C_9DC5) { value, word in
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: word).littleEndian) { bytes in
      bytes.reduce(value) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }
  }
}

func digest(_ tokens: [Token], ranges: Bool) -> UInt32 {
  digest(tokens.flatMap { ranges ? [Int($0.id), $0.range.lowerBound, $0.range.upperBound] : [Int($0.id), 0, 0] })
}

func digest(_ text: String) -> UInt32 { digest(text.utf8.map(Int.init)) }

/// The tokenizer of a fixture, with other files beside it if wanted.
func tokenizer(_ kind: String, config: String? = nil) throws -> Tokenizer {
  let path = fixture("tokenizers/\(kind).json")
  return try Tokenizer(json: Bytes(mapping: path), config: config.map { Bytes($0.utf8) }, path: path)
}
