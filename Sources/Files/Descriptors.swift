import Diagnostics
import Glibc

/// Opens a file for reading; the caller closes it. Does not block if there is a pipe instead of a file.
///
/// - throws: ``Failure`` `missingInput`.
package func openToRead(_ path: String, advice: String? = nil) throws -> Int32 {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw Failure(system: .missingInput, "cannot be opened", advice: advice, file: path) }
  return descriptor
}

/// The system's information on an open file, which must be a regular one.
///
/// - throws: ``Failure`` of this kind.
package func regularStatus(of descriptor: Int32, else kind: Failure.Kind = .missingInput) throws -> stat {
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw Failure(system: kind, "cannot be examined") }
  guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(kind, "is not a regular file") }
  return status
}

/// Whether an open file is still the one with this name.
package func isSameFile(_ descriptor: Int32, _ path: String) -> Bool {
  var (open, named) = (stat(), stat())
  return fstat(descriptor, &open) == 0 && lstat(path, &named) == 0 && open.st_dev == named.st_dev
    && open.st_ino == named.st_ino
}

/// Reads from a position in an open file until `target` is full.
///
/// - throws: ``Failure`` `badData` if the file ends earlier or cannot be read.
package func readAll(_ descriptor: Int32, at offset: Int, into target: UnsafeMutableRawBufferPointer) throws {
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

/// Writes all of `source` to an open file, with as many calls as necessary: from the given position on, or the current one.
///
/// - returns: false if the system failed; `errno` says why.
package func writeAll(_ source: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil) -> Bool {
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

/// The same for a text.
package func writeAll(_ text: String, to descriptor: Int32) -> Bool {
  var text = text
  return text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
}
