import Foundation
import PluginHost

/// What is being tested, in memory that the parent process can read when this one is gone.
final class CurrentStep: @unchecked Sendable {
  // Unchecked because the memory is written under the lock.
  private let region: SharedRegion
  private let lock = NSLock()

  init(_ region: SharedRegion) { self.region = region }

  func note(_ text: String) {
    lock.withLock {
      let bytes = Array(text.utf8.prefix(region.capacity - 1)) + [0]
      region.start.copyMemory(from: bytes, byteCount: bytes.count)
    }
  }

  /// The last noted step.
  var text: String {
    let bytes = UnsafeRawBufferPointer(start: region.start, count: min(region.capacity, 4096))
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
