import CKernels

/// Random numbers by position: the number at an offset of a stream depends on nothing else.
///
/// So a mask does not depend on the number of threads, the tiles or the order of the work. The generator is
/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
public struct RandomStream: Sendable, Equatable {
  /// The key that identifies this stream.
  public let key: UInt64

  public init(key: UInt64) { self.key = key }

  /// The stream of a seed and a purpose, such as the client and the module.
  ///
  /// The names are hashed with FNV-1a and mixed with the finalizer of SplitMix64, each with its position.
  public init(seed: UInt64, _ names: String...) {
    var key = Self.mix(seed)
    for name in names {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
      key = Self.mix(key &+ 0x9e37_79b9_7f4a_7c15 ^ Self.mix(hash))
    }
    self.key = key
  }

  /// Two 64-bit numbers for block `index`: words 2·index and 2·index + 1 of the stream.
  public func block(_ index: UInt64) -> (UInt64, UInt64) {
    let words = Self.philox(counter: (UInt32(truncatingIfNeeded: index), UInt32(index >> 32), 0, 0), key: key)
    return (UInt64(words.1) << 32 | UInt64(words.0), UInt64(words.3) << 32 | UInt64(words.2))
  }

  /// The 64-bit words of the stream starting at `offset`.
  public func fill(_ target: UnsafeMutableBufferPointer<UInt64>, from offset: UInt64) {
    guard let start = target.baseAddress, !target.isEmpty else { return }
    // The first and last word may be half a block; between them are whole blocks.
    let head = Int(offset & 1)
    if head == 1 { start[0] = block(offset >> 1).1 }
    let blocks = (target.count - head) / 2
    clues_random_blocks(key, (offset &+ 1) >> 1, blocks, start + head)
    let done = head + 2 * blocks
    if done < target.count { start[done] = block((offset &+ UInt64(done)) >> 1).0 }
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  static func philox(
    counter: (UInt32, UInt32, UInt32, UInt32), key: UInt64
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(key >> 32))
    for _ in 0..<10 {
      let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
      let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
      (c0, c1, c2, c3) = (
        UInt32(p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1), UInt32(p0 >> 32) ^ c3 ^ k1,
        UInt32(truncatingIfNeeded: p0)
      )
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
  }
}
