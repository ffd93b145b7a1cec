import Glibc
import Synchronization

/// Memory for a matrix, aligned to 64 bytes.
///
/// Large blocks are kept for the next matrix of the same size: the system would have to clear each of their pages again, and
/// modules tend to have the same size.
struct MemoryBlock: @unchecked Sendable {
  // Unchecked because the owner decides who writes.
  let start: UnsafeMutableRawPointer
  private let block: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Nil if there is no memory.
  init?(byteCount: Int) {
    if byteCount >= Self.large, let kept = Self.kept.withLock({ $0.take(byteCount) }) {
      self = kept
      return
    }
    self.byteCount = byteCount
    // For an aligned block, malloc could not reuse the one of the same size that was just freed. An empty matrix has an
    // address too: BLAS does not accept nil.
    guard let block = malloc(byteCount + Self.alignment) else { return nil }
    self.block = block
    start = block.alignedUp(toMultipleOf: Self.alignment)
  }

  func giveBack() {
    guard byteCount >= Self.large, Self.kept.withLock({ $0.keep(self) }) else { return free(block) }
  }

  private static let alignment = 64

  /// Above what the allocator itself keeps.
  private static let large = 32 << 20

  private static let kept = Mutex(Kept())

  /// Blocks waiting for the next matrix of their size, the oldest first; at most half a gigabyte. Locked because any thread may
  /// free or take one.
  private struct Kept {
    private var blocks: [MemoryBlock] = []
    private var byteCount = 0

    mutating func take(_ size: Int) -> MemoryBlock? {
      guard let place = blocks.lastIndex(where: { $0.byteCount == size }) else { return nil }
      byteCount -= size
      return blocks.remove(at: place)
    }

    mutating func keep(_ block: MemoryBlock) -> Bool {
      guard block.byteCount <= Self.most else { return false }
      while byteCount + block.byteCount > Self.most {
        let oldest = blocks.removeFirst()
        byteCount -= oldest.byteCount
        free(oldest.block)
      }
      blocks.append(block)
      byteCount += block.byteCount
      return true
    }

    private static let most = 1 << 29
  }
}
