import Foundation

/// Memory for C structs and strings that is freed all at once.
final class Arena: ContractMemory {
  private var blocks: [UnsafeMutableRawPointer] = []
  /// The rest of the last block, from which small pieces are cut.
  private var rest: UnsafeMutableRawBufferPointer = .init(start: nil, count: 0)

  /// A call's tables are a few dozen pieces of a few bytes each.
  private static let blockSize = 4096

  deinit { reset() }

  /// Frees everything.
  func reset() {
    for block in blocks { block.deallocate() }
    blocks = []
    rest = .init(start: nil, count: 0)
  }

  /// Uninitialized bytes, or nil if there is no memory left, or no such alignment.
  func bytes(_ count: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    let (count, alignment) = (max(1, count), max(alignment, MemoryLayout<UnsafeRawPointer>.size))
    guard alignment.nonzeroBitCount == 1 else { return nil }
    guard count <= Self.blockSize / 4, alignment <= 64 else { return block(count, alignment: alignment) }
    let skipped = rest.baseAddress.map { -Int(bitPattern: $0) & (alignment - 1) } ?? 0
    if rest.count < skipped + count {
      guard let start = block(Self.blockSize, alignment: 64) else { return nil }
      rest = .init(start: start, count: Self.blockSize)
      return bytes(count, alignment: alignment)
    }
    defer { rest = .init(rebasing: rest[(skipped + count)...]) }
    return rest.baseAddress.map { $0 + skipped }
  }

  private func block(_ count: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    // The system's own call, because Swift's allocation traps if memory runs out.
    var block: UnsafeMutableRawPointer?
    guard posix_memalign(&block, alignment, count) == 0, let block else { return nil }
    blocks.append(block)
    return block
  }

  func fill(
    _ name: @autoclosure () -> String, _ size: Int, alignment: Int,
    _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows -> UnsafeRawPointer {
    guard let start = bytes(size, alignment: alignment) else { fatalError("no memory for what a plugin is lent") }
    try body(UnsafeMutableRawBufferPointer(start: start, count: size))
    return UnsafeRawPointer(start)
  }
}
