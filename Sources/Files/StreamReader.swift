import Diagnostics
import Glibc

/// Reads what comes once, from front to end: a file on disk, standard input, or what another program pipes in.
///
/// It waits a moment at a time, so that the user can stop it. A file is opened without waiting, since opening a pipe that
/// nobody writes to waits forever. A writer may come late, as in `mkfifo p; make-recipe > p & clues run p`, so a pipe without
/// one gets a moment; one that has a writer gets all the time that it takes, as in `clues run <(make-recipe)`.
package final class StreamReader {
  private let descriptor: Int32
  /// What was opened here: its name, and how long it may be without a writer; nil for a descriptor that somebody lends.
  private let opened: (path: String, patience: Duration)?
  /// How errors speak of it; empty where the file's name says enough.
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

  /// What there is, as far as `limit` and one byte more: enough to know that there is too much.
  ///
  /// - parameter interruption: Called while there is nothing to read; throws to stop.
  /// - throws: ``Failure`` `missingInput` when it cannot be read, or is a pipe that nobody writes to.
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
      // What was opened here never blocks, and reading tells whether anybody writes.
      guard isReady || opened != nil else {
        try interruption()
        continue
      }
      let count = read(descriptor, &buffer, min(buffer.count, limit + 1 - bytes.count))
      if count > 0 {
        bytes.append(contentsOf: buffer[..<count])
      } else if count == 0 {
        // A pipe that had a writer says so when it is hung up; one that had none says nothing.
        if isReady || hadWriter { break }
        try interruption()
        guard ContinuousClock.now < deadline else {
          throw failure("is a pipe that nobody writes to", advice: "start the program that writes it first")
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

  /// What the system has just refused.
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
