import Foundation
import TestSupport
import Testing

@testable import Tokenizers

/// Long texts take time in proportion to their length, whatever they consist of.
@Suite(.serialized) struct LongTextTests {
  /// Seconds of this thread.
  func seconds(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    try body()
    return now() - start
  }

  static let pieces = [
    "a", " ", "\n", "\r\n", "0", "'", "ab", "é", "e\u{301}", "\u{301}", "\u{3000}", "😀", "中", "the quick brown fox ",
    "a ", " \t", "<s>", "<s> ", "[MASK]", "  ", "\u{2581}",
  ]

  /// What a megabyte is made of; 200 kilobytes of the others.
  static let megabytes: Set = ["a", " ", "the quick brown fox "]

  @Test(arguments: ["gpt2", "llama3", "qwen2", "llama2", "metaspace", "added"])
  func longTexts(_ kind: String) throws {
    let tokenizer = try tokenizer(kind)
    // Qwen2 composes characters, and refuses such runs of marks.
    for piece in Self.pieces where kind != "qwen2" || piece != "\u{301}" {
      let size = Self.megabytes.contains(piece) ? 1_000_000 : 200_000
      let count = size / piece.utf8.count
      let long = String(repeating: piece, count: count)
      let short = String(repeating: piece, count: count / 8)
      var tokens: [Token] = []
      let brief = try (0..<2).map { _ in try seconds { _ = try tokenizer.encode(short, specials: .parsed) } }.min()!
      let whole = try seconds { tokens = try tokenizer.encode(long, specials: .parsed) }
      #expect(!tokens.isEmpty && tokens.last?.range.upperBound == long.utf8.count)
      // Eight times the text: n log n takes some ten times as long, and n² 64 times.
      #expect(whole < max(0.1, 24 * brief), "\(kind), \(piece.debugDescription): \(brief) s, \(whole) s")
      #expect(whole < 10)
    }
  }

  /// Tokens that nearly match everywhere.
  @Test func tokensThatNearlyMatch() throws {
    var file = SmallTokenizer()
    file.added = SmallTokenizer.token(9, String(repeating: "a", count: 255) + "b")
    let tokenizer = try file.read()
    let time = try seconds { _ = try tokenizer.encode(String(repeating: "a", count: 200_000), specials: .parsed) }
    #expect(time < 10)
  }

  /// Many threads share one tokenizer.
  @Test func threadsGetTheSame() async throws {
    let tokenizer = try tokenizer("qwen2")
    let texts = Array(Oracle.texts.prefix(500))
    let alone = try texts.map { try tokenizer.encode($0) }
    try await withThrowingTaskGroup(of: [[Token]].self) { group in
      for _ in 0..<8 { group.addTask { try texts.map { try tokenizer.encode($0) } } }
      for try await together in group { #expect(together == alone) }
    }
  }
}
