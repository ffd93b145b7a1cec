import CKernels
import Testing

@Suite struct ChecksumTests {
  /// A single bit anywhere, in whole steps and in the rest behind them, makes another checksum.
  @Test func everyBitCounts() {
    let bytes = (0..<777).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let sum = clues_checksum(bytes, bytes.count)
    for index in bytes.indices {
      for bit in 0..<8 {
        var other = bytes
        other[index] ^= 1 << bit
        #expect(clues_checksum(other, other.count) != sum)
      }
    }
    #expect(clues_checksum(bytes, bytes.count - 1) != sum)
  }

  @Test func orderCounts() {
    let bytes = (0..<1024).map { UInt8(truncatingIfNeeded: $0 / 4) }
    var other = bytes
    other.swapAt(0, 512)
    #expect(clues_checksum(other, other.count) != clues_checksum(bytes, bytes.count))
  }
}
