import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Zip

@Suite struct InflationTests {
  private func decoded(_ bytes: [UInt8], _ wrapper: Inflation.Wrapper = .gzip) throws -> (bytes: [UInt8], consumed: Int)
  {
    try bytes.withUnsafeBytes { raw in
      let inflation = try Inflation(raw, wrapper: wrapper)
      var all: [UInt8] = []
      while let block = try inflation.next() { all += block }
      #expect(try inflation.next() == nil)
      return (all, inflation.consumed)
    }
  }

  @Test func decodesWhatGzipWrites() throws {
    let text = Array((0..<100_000).map { "\($0)" }.joined(separator: " ").utf8)
    let packed = try compress(text, as: .gzip)
    #expect(try decoded(packed).bytes == text)
    // What stands behind is not touched.
    #expect(try decoded(packed + [1, 2, 3]).consumed == packed.count)
  }

  @Test func decodesBareDeflate() throws {
    let stored: [UInt8] = [1, 2, 0, 0xFD, 0xFF, 0x7B, 0x7D]
    #expect(try decoded(stored, .none) == (Array("{}".utf8), stored.count))
  }

  @Test func everyCutAndEveryWrongChecksumIsNoticed() throws {
    let packed = try compress(Array("some text, some more text".utf8), as: .gzip)
    for count in 0..<packed.count { #expect(throws: Failure.self) { try decoded(Array(packed[..<count])) } }
    for index in packed.count - 8..<packed.count {
      var changed = packed
      changed[index] ^= 1
      #expect(try failure { try decoded(changed) }.message == "does not match its gzip checksum")
    }
  }

  /// A name or a comment ends where the writer likes; this one does not.
  @Test(arguments: [UInt8(8), 16]) func aHeaderWithoutEndIsRefusedEarly(_ flag: UInt8) throws {
    let header: [UInt8] = [0x1F, 0x8B, 8, flag, 0, 0, 0, 0, 0, 3]
    let failure = try failure { try decoded(header + [UInt8](repeating: 0x61, count: 1 << 20)) }
    #expect(failure.message.contains("its header does not end within 131072 bytes"))
    // Long ones are read.
    let packed = try compress(Array("x".utf8), as: .gzip)
    let named = Array(header + [UInt8](repeating: 0x61, count: 60_000)) + [0] + packed[10...]
    #expect(try decoded(named).bytes == Array("x".utf8))
  }

  @Test func checksumIsTheOneOfTheDefinition() {
    var sum = CRC32()
    Array("123456789".utf8).withUnsafeBytes { sum.add($0) }
    #expect(sum.value == 0xCBF4_3926)
    for count in [0, 1, 7, 8, 9, 63, 1000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
      var sum = CRC32()
      bytes.withUnsafeBytes { sum.add($0) }
      #expect(sum.value == ZipWriter.bitwiseCRC(bytes))
    }
  }
}
