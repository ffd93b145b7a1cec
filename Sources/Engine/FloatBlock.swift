import Diagnostics
import Glibc

/// Memory for floats that one thread works in, aligned to 64 bytes; initially zero.
final class FloatBlock {
  let start: UnsafeMutablePointer<Float>
  let count: Int

  /// - throws: ``Failure`` `noResources` if the system has no memory.
  init(_ count: Int) throws {
    let (size, overflow) = max(count, 16).multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    var block: UnsafeMutableRawPointer?
    guard !overflow, size < Int.max - 64, posix_memalign(&block, 64, size) == 0, let block else {
      throw Failure(
        .noResources, "there is no memory for \(count) numbers of the model's activations",
        advice: "use fewer threads (--threads), shorter samples, or a machine with more memory")
    }
    memset(block, 0, size)
    start = block.bindMemory(to: Float.self, capacity: max(count, 16))
    self.count = count
  }

  /// With the product of these factors as its size, which may overflow.
  convenience init(_ first: Int, _ others: Int...) throws {
    var count = first
    for factor in others {
      let (product, overflow) = count.multipliedReportingOverflow(by: factor)
      guard !overflow else {
        throw Failure(.noResources, "there is no memory for the model's activations", advice: "use shorter samples")
      }
      count = product
    }
    try self.init(count)
  }

  deinit { free(start) }
}
