/// What a worker reads: memory that the host writes and the worker sees at another address.
///
/// It may turn out to be too small. Then nothing more is written, and the caller tries again with a region of ``size``.
final class SharedMemory: ContractMemory {
  private var region: SharedRegion?
  /// Where the worker sees it.
  private var address: UInt
  /// The bytes that all of the contents need.
  private(set) var size = 0

  /// Memory without room.
  init() { address = UInt(Self.alignment) }

  /// - parameter address: Where the worker has mapped the region, as it says; nil if nothing can be mapped there.
  init?(_ region: SharedRegion, at address: UInt64) {
    guard address > 0, address < 1 << 56, address % 4096 == 0 else { return nil }
    self.region = region
    self.address = UInt(address)
  }

  /// The largest alignment of anything in it.
  static let alignment = 64

  var capacity: Int { region?.capacity ?? 0 }

  /// Puts the arguments of a call there, in place of those of the last one; returns their address.
  func hold(_ arguments: (any ContractMemory) throws -> CallArguments) throws -> UInt64 {
    size = 0
    return UInt64(UInt(bitPattern: table("the arguments", try arguments(self))))
  }

  func fill(
    _ name: @autoclosure () -> String, _ size: Int, alignment: Int,
    _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows -> UnsafeRawPointer {
    let start = (self.size + alignment - 1) / alignment * alignment
    self.size = start + size
    if let region, self.size <= region.capacity, size > 0 {
      try body(UnsafeMutableRawBufferPointer(start: region.start + start, count: size))
    }
    return UnsafeRawPointer(bitPattern: address + UInt(start))!
  }

  func lend(_ start: UnsafeRawPointer, size: Int) -> UnsafeRawPointer {
    fill("", size, alignment: Self.alignment) { $0.copyMemory(from: .init(start: start, count: size)) }
  }
}
