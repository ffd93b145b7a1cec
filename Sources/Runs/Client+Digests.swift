import Bundles
import Diagnostics
import Digests
import Synchronization
import Tensors
import Threads

extension [Client] {
  /// Hashes all bundles, the largest files first, several at once in every thread.
  ///
  /// - parameter progress: Receives a client's index and how many more bytes of it are hashed.
  package mutating func digest(threads: Int, progress: @Sendable (Int, Int) throws -> Void) throws {
    let bundles = try map { client in try locating(client: client.name) { try client.bundle.parted() } }
    let parts = bundles.enumerated().flatMap { index, bundle in
      bundle.contents.enumerated().map { (part: Part(client: index, place: $0.offset), bytes: $0.element) }
    }
    // Locked because every thread takes the largest part that is left.
    let queue = Mutex(parts.sorted { $0.bytes.count > $1.bytes.count }[...])
    let lanes = (parts.count + threads - 1) / Swift.max(1, threads)
    let digests = try inParallel(threads, threads: threads) { _ in
      try sha256(lanes: lanes, of: { queue.withLock { $0.popFirst() } }) { try progress($0.client, $1) }
    }
    let found = Dictionary(uniqueKeysWithValues: digests.joined())
    for index in indices {
      self[index].sha256 = bundles[index].value(
        of: bundles[index].contents.indices.compactMap { found[Part(client: index, place: $0)] })
    }
  }
}

/// A content of one client's bundle.
private struct Part: Hashable {
  let client: Int
  let place: Int
}
