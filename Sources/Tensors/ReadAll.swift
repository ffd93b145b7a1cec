import Diagnostics
import Glibc

/// Reads from a place of an open file on until `target` is full.
///
/// - throws: ``Failure`` `badData` when the file ends before or cannot be read.
func readAll(_ descriptor: Int32, at offset: Int, into target: UnsafeMutableRawBufferPointer) throws {
  var done = 0
  while done < target.count, let start = target.baseAddress {
    let count = pread(descriptor, start + done, target.count - done, off_t(offset + done))
    if count < 0, errno == EINTR { continue }
    guard count > 0 else {
      throw Failure(.badData, count == 0 ? "became shorter while it was read" : "cannot be read: \(systemMessage())")
    }
    done += count
  }
}
