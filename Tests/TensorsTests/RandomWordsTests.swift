import Tensors
import Testing

@Suite struct RandomWordsTests {
  @Test(arguments: [0, 1, 2, 63, (1 << 33) + 1, .max - 3] as [UInt64], [0, 1, 2, 3, 31, 32, 33, 100] as [Int])
  func `a run of words is that of the blocks`(offset: UInt64, count: Int) {
    let stream = RandomStream(seed: 3, "words")
    var words = [UInt64](repeating: 0, count: count)
    words.withUnsafeMutableBufferPointer { stream.fill($0, from: offset) }
    for index in 0..<count {
      let word = offset &+ UInt64(index)
      let pair = stream.block(word >> 1)
      #expect(words[index] == (word & 1 == 0 ? pair.0 : pair.1))
    }
  }
}
