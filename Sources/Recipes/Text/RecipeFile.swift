import Diagnostics
import Foundation

/// A file that is read once from front to end: a recipe on disk, or one that another program pipes in.
///
/// It is opened without waiting, since opening a pipe that nobody writes to waits forever. A writer may come late, as in
/// `mkfifo p; make-recipe > p & clues run p`, so a pipe without one gets a moment; one that has a writer gets all the time
/// that it takes, as in `clues run <(make-recipe)`.
struct RecipeFile {
  let path: String
  /// How many seconds a pipe may be without a writer.
  var patience = 5.0

  /// The bytes of the file, as far as `limit` and one more: enough to know that there are too many.
  ///
  /// - parameter interruption: Called while there is nothing to read; throws to stop.
  /// - throws: ``Failure`` `missingInput` if the file cannot be read.
  func bytes(limit: Int, interruption: () throws -> Void) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    let deadline = ContinuousClock.now + .seconds(patience)
    var hadWriter = false
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= limit {
      let count = read(descriptor, &buffer, min(buffer.count, limit + 1 - bytes.count))
      if count > 0 {
        hadWriter = true
        bytes.append(contentsOf: buffer[..<count])
      } else if count == 0 {
        // A pipe that had a writer says so when it is hung up; one that had none says nothing.
        if try hadWriter || !isPipe(descriptor) || isHungUp(descriptor, interruption) { break }
        guard ContinuousClock.now < deadline else {
          throw failure("is a pipe that nobody writes to", advice: "start the program that writes the recipe first")
        }
      } else if errno == EAGAIN {
        hadWriter = true
        _ = try isHungUp(descriptor, interruption)
      } else if errno != EINTR {
        throw failure("cannot be read: \(String(cString: strerror(errno)))")
      }
    }
    return bytes
  }

  /// Waits a moment for something to read; says whether there was a writer, and nothing will come any more.
  private func isHungUp(_ descriptor: Int32, _ interruption: () throws -> Void) throws -> Bool {
    try interruption()
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&request, 1, 100)
    let events = Int32(request.revents)
    return events & Int32(POLLHUP) != 0 && events & Int32(POLLIN) == 0
  }

  private func isPipe(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  private func failure(_ what: String, advice: String? = nil) -> Failure {
    Failure(.missingInput, "the recipe \(what)", advice: advice, file: path)
  }
}
