import Glibc

/// Writes all of `source` to an open file, however often it takes: from a place of it on, or from where it stands.
///
/// - returns: false when the system did not take it, and said why in `errno`.
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
