import CKernels
import Tensors

/// The SHA-256 of several contents, as 64 hexadecimal digits each; several at once where the processor gains by it.
///
/// - parameters:
///   - lanes: How many go side by side at the most: more than the contents of one thread keep other threads idle.
///   - next: Gives a content and what to call it, until there is none left.
///   - progress: Told after every window how many bytes more of a content are hashed.
/// - returns: The digests, in the order in which they came about.
/// - throws: ``Failure`` `badData` when a file cannot be read any more, or has become shorter; what `progress` throws.
public func sha256<Key>(
  lanes: Int, of next: () -> (Key, Bytes)?, progress: (Key, Int) throws -> Void
) throws -> [(Key, String)] {
  // What three lanes read stays in the cache until it is hashed.
  try sha256(lanes: min(lanes, clues_sha256_lanes()), window: 1 << 18, of: next, progress: progress)
}

/// - parameters:
///   - lanes: 0 for the library's code, a content at a time.
///   - window: How many bytes of each content go by before it is another's turn; a multiple of 64.
func sha256<Key>(
  lanes: Int, window: Int, of next: () -> (Key, Bytes)?, progress: (Key, Int) throws -> Void
) throws -> [(Key, String)] {
  var digests: [(Key, String)] = []
  guard lanes > 0 else {
    while let (key, bytes) = next() {
      var done = 0
      let digest = try sha256(of: bytes) { count in
        try progress(key, count - done)
        done = count
      }
      digests.append((key, digest))
    }
    return digests
  }
  var running: [Lane<Key>] = []
  let room = UnsafeMutableRawBufferPointer.allocate(byteCount: lanes * window, alignment: 64)
  defer { room.deallocate() }
  while true {
    while running.count < lanes, let (key, bytes) = next() { running.append(Lane(key, bytes)) }
    guard let step = running.map(\.wholeBlocks).min().map({ min($0, window) }) else { return digests }
    if step > 0 {
      try Lane.advance(&running, by: step, through: room)
      for lane in running { try progress(lane.key, step) }
    }
    for lane in running where lane.wholeBlocks == 0 {
      try progress(lane.key, lane.rest)
      digests.append((lane.key, try lane.digest()))
    }
    running.removeAll { $0.wholeBlocks == 0 }
  }
}

/// A content on its way through SHA-256.
private struct Lane<Key> {
  let key: Key
  private let bytes: Bytes
  private var done = 0
  private var state = SIMD8<UInt32>(
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19)

  init(_ key: Key, _ bytes: Bytes) {
    self.key = key
    self.bytes = bytes
  }

  /// The bytes that are still to come, without what does not fill a block.
  var wholeBlocks: Int { rest & ~63 }
  var rest: Int { bytes.count - done }

  /// Takes the same number of bytes, in whole blocks, of all lanes.
  static func advance(_ lanes: inout [Lane], by count: Int, through room: UnsafeMutableRawBufferPointer) throws {
    var states = lanes.map(\.state)
    let streams = try lanes.enumerated().map { index, lane in
      let target = UnsafeMutableRawBufferPointer(rebasing: room[index * count..<(index + 1) * count]).baseAddress!
      try lane.bytes[lane.done..<lane.done + count].copy(to: target)
      return UnsafePointer(target.assumingMemoryBound(to: UInt8.self))
    }
    states.withUnsafeMutableBytes { raw in
      guard let words = raw.bindMemory(to: UInt32.self).baseAddress else { return }
      clues_sha256_blocks(words, streams, streams.count, count / 64)
    }
    for index in lanes.indices {
      lanes[index].state = states[index]
      lanes[index].done += count
    }
  }

  /// The digest, once no whole block is left.
  func digest() throws -> String {
    var last = [UInt8](repeating: 0, count: rest)
    try last.withUnsafeMutableBytes { if let start = $0.baseAddress { try bytes[done..<bytes.count].copy(to: start) } }
    last.append(0x80)
    while last.count % 64 != 56 { last.append(0) }
    last += withUnsafeBytes(of: UInt64(bytes.count * 8).bigEndian, Array.init)
    var lanes = [Lane(key, Bytes(last))]
    lanes[0].state = state
    try last.withUnsafeMutableBytes { try Self.advance(&lanes, by: $0.count, through: $0) }
    return hexadecimal((0..<8).flatMap { index in withUnsafeBytes(of: lanes[0].state[index].bigEndian, Array.init) })
  }
}
