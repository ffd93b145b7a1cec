import Glibc

/// Writes all of `source` to an open file, with as many calls as needed: at an offset, or at the current position.
///
/// - returns: false if the system refused, with the reason in `errno`.
public func writeAll(_ source: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil) -> Bool {
  var done = 0
  while done < source.count, let start = source.baseAddress {
    let rest = source.count - done
    let count =
      offset.map { pwrite(descriptor, start + done, rest, off_t($0 + done)) } ?? write(descriptor, start + done, rest)
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return false }
    done += count
  }
  return true
}
