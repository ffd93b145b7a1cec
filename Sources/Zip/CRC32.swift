import CZlib
import Diagnostics
import Tensors

/// The checksum of gzip and zip.
public struct CRC32: Sendable {
  /// The checksum of everything added so far.
  public private(set) var value: UInt32 = 0

  public init() {}

  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    let sum = crc32_z(CUnsignedLong(value), start.assumingMemoryBound(to: UInt8.self), bytes.count)
    value = UInt32(truncatingIfNeeded: sum)
  }
}

/// The CRC-32 of `bytes`.
///
/// - throws: ``Failure`` `interrupted`; files may be large.
public func crc32(of bytes: Bytes) throws -> UInt32 {
  var sum = CRC32()
  try bytes.forEachWindow {
    sum.add($0)
    try Interruption.check()
  }
  return sum.value
}
