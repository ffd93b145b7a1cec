import CKernels
import Crypto
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Digests

/// Digests side by side against swift-crypto's.
@Suite struct DigestLanesTests {
  static func content(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ count) } }

  static func expected(_ content: [UInt8]) -> String {
    SHA256.hash(data: content).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// Around the ends of blocks, of the padding and of windows; equal lengths and such that lanes are filled anew.
  static let lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 4096, 4096, 4096, 10_000, 64 * 300, 3]

  @Test(arguments: Array(0...Int(clues_sha256_lanes())), [64, 1024, 1 << 18])
  func `as many lanes as there may be give the digests of one`(lanes: Int, window: Int) throws {
    let contents = Self.lengths.map(Self.content)
    var rest = contents.enumerated().map { ($0.offset, Bytes($0.element)) }[...]
    var hashed = contents.map { _ in 0 }
    let digests = try sha256(
      lanes: lanes, window: window, of: { rest.popFirst() }, progress: { hashed[$0] += $1 })
    #expect(digests.count == contents.count)
    for (index, digest) in digests {
      #expect(digest == Self.expected(contents[index]), "\(contents[index].count) bytes")
    }
    #expect(hashed == Self.lengths)
  }

  @Test func nothingHasNoDigests() throws {
    #expect(try sha256(lanes: 3, of: { nil as (Int, Bytes)? }, progress: { _, _ in }).isEmpty)
  }

  @Test(.enabled(if: clues_sha256_lanes() > 0, "this processor has no instructions for SHA-256"))
  func `a file that becomes shorter is refused`() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "shrinking").path
      try Data(Self.content(1 << 20)).write(to: URL(filePath: path))
      var rest = [("shrinking", try Bytes(mapping: path))][...]
      let failure = #expect(throws: Failure.self) {
        try sha256(lanes: 1, window: 1 << 16, of: { rest.popFirst() }) { _, _ in truncate(path, 1 << 17) }
      }
      #expect(failure?.file == path && failure?.message == "was truncated while it was read", "\(failure as Any)")
    }
  }

  @Test func oneAtATimeIsTheSame() {
    for length in Self.lengths {
      let content = Self.content(length)
      #expect(sha256(of: Bytes(content)) == Self.expected(content))
    }
    #expect(sha256(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
