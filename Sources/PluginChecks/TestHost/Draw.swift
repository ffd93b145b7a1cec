import Tensors

/// Random numbers, the same for the same seed and purpose.
struct Draw {
  private let stream: RandomStream
  private var words: [UInt64] = []
  private var place = 0
  private var offset: UInt64 = 0

  init(seed: UInt64, _ purpose: String) { stream = RandomStream(seed: seed, purpose) }

  mutating func word() -> UInt64 {
    if place == words.count {
      // Few at first, because most instances are only drawn from a few times.
      words = [UInt64](repeating: 0, count: words.isEmpty ? 32 : 1024)
      words.withUnsafeMutableBufferPointer { [offset] in stream.fill($0, from: offset) }
      (offset, place) = (offset + UInt64(words.count), 0)
    }
    defer { place += 1 }
    return words[place]
  }

  /// From 0 to below 1.
  mutating func share() -> Double { Double(word() >> 11) * 0x1p-53 }

  mutating func number(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + share() * (range.upperBound - range.lowerBound)
  }

  mutating func integer(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(word() % UInt64(range.upperBound - range.lowerBound + 1))
  }

  mutating func element<Element>(of list: [Element]) -> Element { list[integer(in: 0...list.count - 1)] }
}
