import Diagnostics
import Files
import Foundation
import TestSupport
import Testing

/// What comes once, from files and pipes.
@Suite struct StreamReaderTests {
  private let text = "clients: [a.zip, b.zip]\nmerge: {method: ties}\n"

  private func withPipe(_ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let pipe = folder.appending(path: "pipe").path
      try #require(mkfifo(pipe, 0o600) == 0)
      try body(pipe)
    }
  }

  private func reader(_ path: String, _ patience: Double) throws -> StreamReader {
    try StreamReader(path, subject: "the recipe", patience: .seconds(patience))
  }

  @Test func `a pipe that nobody writes to is refused`() throws {
    try withPipe { pipe in
      let failure = try failure { try reader(pipe, 0.2).bytes(limit: 1000) {} }
      #expect(failure.kind == .missingInput && failure.file == pipe)
      #expect(failure.message == "the recipe is a pipe without a writer")
    }
  }

  @Test func `a writer may come late and take its time`() throws {
    try withPipe { pipe in
      let writer = Thread { [text] in
        usleep(300_000)
        guard let file = FileHandle(forWritingAtPath: pipe) else { return }
        for part in [text.prefix(10), text.dropFirst(10)] {
          usleep(400_000)
          try? file.write(contentsOf: Data(part.utf8))
        }
        try? file.close()
      }
      writer.start()
      // Patience is for a pipe without a writer; with one it does not count.
      let bytes = try reader(pipe, 0.6).bytes(limit: 1000) {}
      #expect(String(decoding: bytes, as: UTF8.self) == text)
    }
  }

  @Test func `waiting for a pipe can be interrupted`() throws {
    try withPipe { pipe in
      let stop = Failure(.interrupted, "stop")
      #expect(throws: stop) { try reader(pipe, 60).bytes(limit: 1000) { throw stop } }
    }
  }

  @Test func `no more is read than it takes to see that it is too much`() throws {
    try withTemporaryFolder { folder in
      let path = try folder.file("r.yaml", [UInt8](repeating: 0x23, count: 5000))
      #expect(try StreamReader(path).bytes(limit: 100) {}.count == 101)
    }
  }

  @Test func `a descriptor that is lent is read to its end and stays open`() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    // More than a pipe holds, so that writer and reader must wait for each other.
    let text = String(repeating: "0123456789", count: 100_000)
    let writer = Thread { [output = ends[1]] in
      _ = writeAll(text, to: output)
      close(output)
    }
    writer.start()
    #expect(try StreamReader(ends[0], subject: "standard input").bytes() == Array(text.utf8))
    #expect(fcntl(ends[0], F_GETFD) >= 0)
  }

  @Test func `what is not there is spoken of by its path`() throws {
    let failure = try failure { try StreamReader("/nowhere/r.yaml", subject: "the recipe") }
    #expect(failure.kind == .missingInput && failure.file == "/nowhere/r.yaml")
    #expect(failure.message == "the recipe cannot be read: No such file or directory")
    #expect(throws: Failure.self) { try StreamReader("/").bytes() }
  }
}
