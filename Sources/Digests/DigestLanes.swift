import CKernels
import Tensors

/// The SHA-256 of several contents, as 64 hexadecimal digits each; several at once where the processor gains by it.
///
/// - parameters:
///   - lanes: How many go side by side at the most: more than the contents of one thread keep other threads idle.
///   - next: Gives a content and what to call it, until there is none left.
///   - progress: Told after every window how many bytes more of a content are hashed.
/// - returns: The digests, in the order in which they came about.
public func sha256<Key>(
  lanes: Int, of next: () -> (Key, Bytes)?, progress: (Key, Int) throws -> Void
) rethrows -> [(Key, String)] {
  try sha256(lanes: min(lanes, clues_sha256_lanes()), window: 1 << 19, of: next, progress: progress)
}

/// - parameters:
///   - lanes: 0 for the library's code, a content at a time.
///   - window: How many bytes of each content go by before it is another's turn; a multiple of 64.
func sha256<Key>(
  lanes: Int, window: Int, of next: () -> (Key, Bytes)?, progress: (Key, Int) throws -> Void
) rethrows -> [(Key, String)] {
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
  while true {
    while running.count < lanes, let (key, bytes) = next() { running.append(Lane(key, bytes)) }
    guard let step = running.map(\.wholeBlocks).min().map({ min($0, window) }) else { return digests }
    if step > 0 {
      Lane.advance(&running, by: step)
      for lane in running { try progress(lane.key, step) }
    }
    for lane in running where lane.wholeBlocks == 0 {
      try progress(lane.key, lane.rest)
      digests.append((lane.key, lane.digest()))
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
  static func advance(_ lanes: inout [Lane], by count: Int) {
    let pieces = lanes.map { $0.bytes[$0.done..<$0.done + count] }
    for piece in pieces { piece.fetch() }
    take(pieces, &lanes)
    for piece in pieces { piece.relinquish() }
    for place in lanes.indices { lanes[place].done += count }
  }

  private static func take(_ pieces: [Bytes], _ lanes: inout [Lane]) {
    var states = lanes.map(\.state)
    withPointers(to: pieces[...]) { streams in
      states.withUnsafeMutableBytes { raw in
        guard let words = raw.bindMemory(to: UInt32.self).baseAddress else { return }
        clues_sha256_blocks(words, streams, streams.count, pieces[0].count / 64)
      }
    }
    for (place, state) in states.enumerated() { lanes[place].state = state }
  }

  private static func withPointers(
    to pieces: ArraySlice<Bytes>, _ found: [UnsafePointer<UInt8>] = [], _ body: ([UnsafePointer<UInt8>]) -> Void
  ) {
    guard let piece = pieces.first else { return body(found) }
    piece.withUnsafeBytes { raw in
      guard let start = raw.bindMemory(to: UInt8.self).baseAddress else { return }
      withPointers(to: pieces.dropFirst(), found + [start], body)
    }
  }

  /// The digest, once no whole block is left.
  func digest() -> String {
    let tail = bytes[done..<bytes.count]
    var last = tail.withUnsafeBytes(Array.init)
    tail.relinquish()
    last.append(0x80)
    while last.count % 64 != 56 { last.append(0) }
    last += withUnsafeBytes(of: UInt64(bytes.count * 8).bigEndian, Array.init)
    var lanes = [Lane(key, Bytes(last))]
    lanes[0].state = state
    Self.advance(&lanes, by: last.count)
    return hexadecimal((0..<8).flatMap { place in withUnsafeBytes(of: lanes[0].state[place].bigEndian, Array.init) })
  }
}
