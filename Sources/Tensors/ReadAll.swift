import Diagnostics
import Glibc

/// Reads from an offset of an open file until `target` is full.
///
/// - throws: ``Failure`` `badData` if the file ends earlier or cannot be read.
func readAll(_ descriptor: Int32, at offset: Int, into target: UnsafeMutableRawBufferPointer) throws {
  var done = 0
  while done < target.count, let start = target.baseAddress {
    let count = pread(descriptor, start + done, target.count - done, off_t(offset + done))
    if count < 0, errno == EINTR { continue }
    guard count > 0 else {
      throw Failure(.badData, count == 0 ? "was truncated while it was read" : "cannot be read: \(systemMessage())")
    }
    done += count
  }
}
