import Tensors

/// Random choices by counting: the same stream gives the same choices, whatever was drawn from others.
struct Chances {
  private let stream: RandomStream
  private var count: UInt64 = 0

  init(_ stream: RandomStream) { self.stream = stream }

  private mutating func word() -> UInt64 {
    defer { count += 1 }
    let block = stream.block(count >> 1)
    return count & 1 == 0 ? block.0 : block.1
  }

  /// One of the numbers from 0 to below `count`, which is above 0.
  mutating func below(_ count: Int) -> Int { Int(word().multipliedFullWidth(by: UInt64(count)).high) }

  /// A number from 0 to below 1.
  mutating func share() -> Double { Double(word() >> 11) * 0x1p-53 }

  mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }

  /// The numbers below `count` in some order (Fisher and Yates).
  mutating func order(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for place in order.indices.dropFirst().reversed() { order.swapAt(place, below(place + 1)) }
    return order
  }
}
