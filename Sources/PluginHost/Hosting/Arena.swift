import Foundation

/// Memory for C structs and texts that is given back all at once.
final class Arena {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { reset() }

  /// Gives everything back.
  func reset() {
    for block in blocks { block.deallocate() }
    blocks = []
  }

  /// Uninitialized bytes, or nil when there is no memory left.
  func bytes(_ count: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    // The system's own call, because Swift's allocation traps when memory runs out.
    var block: UnsafeMutableRawPointer?
    guard posix_memalign(&block, max(alignment, MemoryLayout<UnsafeRawPointer>.size), max(count, 1)) == 0, let block
    else { return nil }
    blocks.append(block)
    return block
  }

  func value<Value: BitwiseCopyable>(_ value: Value) -> UnsafePointer<Value> {
    array([value])
  }

  func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
    UnsafePointer(writableArray(elements))
  }

  /// Elements that the plugin may change.
  func writableArray<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    copy.initialize(from: elements, count: elements.count)
    blocks.append(UnsafeMutableRawPointer(copy))
    return copy
  }

  func text(_ text: String) -> UnsafePointer<CChar> { array(Array(text.utf8CString)) }
}
