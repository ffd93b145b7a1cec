import Testing

@testable import Tensors

@Suite struct RandomStreamTests {
  /// Known-answer vectors of Random123 (kat_vectors, philox4x32, 10 rounds).
  @Test(
    arguments: [
      ([0, 0, 0, 0], 0, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], 0xffff_ffff_ffff_ffff,
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], 0x299f_31d0_a409_3822,
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ] as [([UInt32], UInt64, [UInt32])])
  func philoxGivesThePublishedAnswers(_ counter: [UInt32], _ key: UInt64, _ answer: [UInt32]) {
    let words = RandomStream.philox(counter: (counter[0], counter[1], counter[2], counter[3]), key: key)
    #expect([words.0, words.1, words.2, words.3] == answer)
  }

  func words(_ stream: RandomStream, _ offset: UInt64, _ count: Int) -> [UInt64] {
    [UInt64](unsafeUninitializedCapacity: count) { buffer, initialized in
      stream.fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), from: offset)
      initialized = count
    }
  }

  @Test func wordsAreTheBlocksInOrder() {
    let stream = RandomStream(key: 0)
    #expect(words(stream, 0, 2) == [0xe169_c58d_6627_e8d5, 0x9b00_dbd8_bc57_ac4c])
    let block = stream.block(5)
    #expect(words(stream, 10, 2) == [block.0, block.1])
  }

  @Test func wordsDependOnTheirPositionAlone() {
    let stream = RandomStream(seed: 7, "client", "module")
    let whole = words(stream, 0, 64)
    for offset in 0..<64 {
      for count in [0, 1, 2, 3, 64 - offset] where offset + count <= 64 {
        #expect(words(stream, UInt64(offset), count) == Array(whole[offset..<(offset + count)]))
      }
    }
    let far: UInt64 = 1 << 40
    #expect(words(stream, far, 3) == [words(stream, far, 1), words(stream, far + 1, 2)].flatMap { $0 })
    #expect(words(stream, .max, 2)[1] == whole[0])
  }

  @Test func everyNameAndItsPlaceMakesAnotherStream() {
    let streams = [
      RandomStream(seed: 0), .init(seed: 1), .init(seed: 0, "a"), .init(seed: 0, "b"), .init(seed: 0, "a", "b"),
      .init(seed: 0, "b", "a"), .init(seed: 0, "ab"), .init(seed: 0, "a", ""), .init(seed: 0, "", "a"),
    ]
    #expect(Set(streams.map(\.key)).count == streams.count)
  }

  @Test func theSameSeedIsTheSameStreamForEver() {
    // Worked out in Python from the definitions of FNV-1a and SplitMix64.
    #expect(RandomStream(seed: 0).key == 0x0000_0000_0000_0000)
    #expect(RandomStream(seed: 7, "c0", "model.layers.0.self_attn.q_proj").key == 0x8f39_0b20_e562_172a)
    #expect(RandomStream(seed: .max, "ü").key == 0x77eb_2a14_b57e_ea4d)
  }
}
