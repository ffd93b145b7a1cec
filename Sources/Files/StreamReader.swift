import Diagnostics
import Glibc

/// Reads a stream once, from front to end: a file on disk, standard input, or the output of another program.
///
/// It waits for short intervals, so that the user can stop it. A file is opened without waiting, because opening a pipe
/// without a writer waits forever. A writer may start late, as in `mkfifo p; make-recipe > p & clues run p`, so a pipe without
/// one gets some time; one that has a writer gets all the time that it needs, as in `clues run <(make-recipe)`.
package final class StreamReader {
  private let descriptor: Int32
  /// A file that was opened here: its name, and how long it may lack a writer; nil for a borrowed descriptor.
  private let opened: (path: String, patience: Duration)?
  /// The subject of error messages; empty if the file's name is enough.
  private let subject: String

  /// Opens a file.
  ///
  /// - throws: ``Failure`` `missingInput`.
  package init(_ path: String, subject: String = "", patience: Duration = .zero) throws {
    (opened, self.subject) = ((path, patience), subject)
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw refusal }
  }

  /// Reads a descriptor that stays the caller's.
  package init(_ descriptor: Int32, subject: String) {
    (self.descriptor, self.subject, opened) = (descriptor, subject, nil)
  }

  deinit { if opened != nil, descriptor >= 0 { close(descriptor) } }

  /// The content, up to one byte more than `limit`: enough to know that there is too much.
  ///
  /// - parameter interruption: Called while there is nothing to read; throws to stop.
  /// - throws: ``Failure`` `missingInput` if it cannot be read, or is a pipe without a writer.
  package func bytes(
    limit: Int = .max - 1, interruption: () throws -> Void = { try Interruption.check() }
  ) throws -> [UInt8] {
    let deadline = ContinuousClock.now + (opened?.patience ?? .zero)
    var hadWriter = false
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= limit {
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let isReady = poll(&request, 1, 100) > 0
      // A file opened here never blocks, and reading shows whether there is a writer.
      guard isReady || opened != nil else {
        try interruption()
        continue
      }
      let count = read(descriptor, &buffer, min(buffer.count, limit + 1 - bytes.count))
      if count > 0 {
        bytes.append(contentsOf: buffer[..<count])
      } else if count == 0 {
        // A pipe that had a writer reports when it is closed; one that had none reports nothing.
        if isReady || hadWriter { break }
        try interruption()
        guard ContinuousClock.now < deadline else {
          throw failure("is a pipe without a writer", advice: "start the program that writes it first")
        }
      } else if errno == EAGAIN {
        hadWriter = true
        try interruption()
      } else if errno != EINTR {
        throw refusal
      }
    }
    return bytes
  }

  /// The failure of the last system call.
  private var refusal: Failure {
    let code = errno
    let what = told("cannot be read")
    errno = code
    return Failure(system: .missingInput, what, file: opened?.path)
  }

  private func failure(_ what: String, advice: String? = nil) -> Failure {
    Failure(.missingInput, told(what), advice: advice, file: opened?.path)
  }

  private func told(_ what: String) -> String { subject.isEmpty ? what : "\(subject) \(what)" }
}
