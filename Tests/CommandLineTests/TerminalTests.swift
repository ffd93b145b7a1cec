import Foundation
import TestSupport
import Testing

/// The commands on a terminal of their own.
@Suite struct TerminalTests {
  /// What a run on a pseudo-terminal wrote, and how it ended.
  private struct Session {
    let status: Int32
    let text: String
  }

  /// Runs `clues` on a pseudo-terminal of so many columns; `act` sees what was written so far and may send signals.
  private func session(
    _ arguments: [String], columns: UInt16, in folder: URL, acting act: (String, Int32) -> Void = { _, _ in }
  ) throws -> Session {
    // What posix_openpt and its kin do on Linux; Swift's Glibc has neither them nor the numbers of their calls.
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var (lock, number): (Int32, Int32) = (0, 0)
    let isOpen = master >= 0 && ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0
    try #require(isOpen)
    defer { close(master) }
    let slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(slave >= 0)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(slave, UInt(TIOCSWINSZ), &size)
    let terminal = FileHandle(fileDescriptor: slave)
    // Whoever runs the tests in the background has SIGINT ignored, and so would have we. Swift's own report of a crash
    // would ask the terminal what to do next.
    let process = try start(
      "/usr/bin/env", ["--default-signal", cluesExecutable] + arguments, in: folder,
      environment: [
        "PATH": "/usr/bin:/bin", "HOME": folder.path, "TERM": "xterm", "LC_ALL": "C.UTF-8",
        "SWIFT_BACKTRACE": "enable=no",
      ],
      output: terminal, errors: terminal)
    close(slave)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      // Reading fails once the last writer is gone.
      let count = read(master, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer[..<count]
      act(String(decoding: bytes, as: UTF8.self), process.processIdentifier)
    }
    process.waitUntilExit()
    return Session(status: process.terminationStatus, text: String(decoding: bytes, as: UTF8.self))
  }

  /// What a terminal shows after all that was written: rows, with status lines overwritten.
  private func screen(_ text: String) -> [String] {
    text.components(separatedBy: "\r\n").map { row in
      let last = row.components(separatedBy: "\u{1B}[J").last ?? row
      return last.replacing(/\u{1B}\[[?0-9;]*[a-zA-Z]/, with: "").replacing("\r", with: "")
    }
  }

  private func hasCursor(_ text: String) -> Bool {
    let hidden = text.ranges(of: "\u{1B}[?25l").last?.lowerBound
    let shown = text.ranges(of: "\u{1B}[?25h").last?.lowerBound
    return hidden.map { hidden in shown.map { $0 > hidden } ?? false } ?? true
  }

  /// A merge that takes long enough to be drawn, in whatever way `clues` was built.
  private static let slow = [
    "run", "recipes/ties.yaml", "--set", "merge.space=delta", "--set", "merge.exact=true", "--output", "out",
  ]

  @Test(arguments: [80, 120] as [UInt16]) func `a run fits the terminal`(_ columns: UInt16) throws {
    try withWorkingCopy { folder in
      let long = String(repeating: "hospital-of-the-far-", count: 6) + "north"
      let session = try session(
        Self.slow + ["--set", "clients.0.name=\(long)"], columns: columns, in: folder)
      #expect(session.status == 0, "\(session.text)")
      #expect(session.text.contains("\u{1B}[?25l") && hasCursor(session.text))
      let rows = screen(session.text)
      #expect(rows.allSatisfy { $0.count <= Int(columns) }, "\(rows)")
      #expect(rows.contains { $0.hasPrefix("merging: 60 modules in ") })
      // The name is shortened in its middle, on the terminal alone.
      #expect(rows.contains { $0.hasPrefix("hospital") && $0.contains("…") && $0.contains("north ") }, "\(rows)")
      let record = try String(contentsOf: folder.appending(path: "out/clues/run.json"), encoding: .utf8)
      #expect(record.contains(long))
      // Without wrapping, and back at the start: so a window that becomes narrower leaves no piece of the line behind.
      let drawn = session.text.ranges(of: "\u{1B}[?7l").count
      #expect(drawn > 0 && drawn == session.text.ranges(of: "\u{1B}[?7h\r").count)
      // Ten drawings a second, and each erases and draws in one go.
      let drawings = session.text.components(separatedBy: "\u{1B}[J\r\u{1B}[?7lmerging").count - 1
      let seconds = session.text.firstMatch(of: /merging: 60 modules in ([0-9.]+) s/).flatMap { Double($0.1) }
      #expect(Double(drawings) <= 10 * (seconds ?? 0) + 1)
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGQUIT, SIGABRT]) func `the cursor comes back`(_ signal: Int32) throws {
    try withWorkingCopy { folder in
      var isSent = false
      let session = try session(Self.slow, columns: 80, in: folder) { text, process in
        guard !isSent, text.contains("\u{1B}[?25l") else { return }
        isSent = true
        kill(process, signal)
      }
      #expect(isSent && hasCursor(session.text), "\(session.text)")
      #expect(session.status == (signal == SIGINT ? 130 : signal))
      if signal == SIGINT {
        #expect(screen(session.text).contains { $0 == "error: interrupted; nothing was written" }, "\(session.text)")
      }
      if signal == SIGINT || signal == SIGTERM {
        #expect(
          try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["checkpoints", "recipes"])
      }
    }
  }

  @Test func `an error comes after the status line is gone`() throws {
    try withWorkingCopy { folder in
      let session = try session(
        Self.slow + ["--set", "output.dtype=float16", "--set", "merge.parameters.lambda=1e30"], columns: 80, in: folder)
      #expect(session.status == 65 && hasCursor(session.text), "\(session.text)")
      #expect(screen(session.text).contains { $0.hasPrefix("error: ") }, "\(session.text)")
      #expect(session.text.contains("\u{1B}[1;31merror:"))
    }
  }
}
