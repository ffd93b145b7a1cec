import Diagnostics
import Files
import Foundation
import Synchronization

/// Standard error as a screen: lines that stay, and under them one status line that is drawn over itself.
///
/// Everything that goes to standard error goes through here, so that a message never lands in the middle of the status
/// line. Each change is one write, which is what keeps it from flickering.
final class Screen: Sendable {
  static let standardError = Screen()

  private struct State {
    var status: String?
    var isClosed = false
  }

  // Locked because work, messages and signals write to the screen from different threads.
  private let state = Mutex(State())

  /// Whether a status line can be drawn.
  static var isTerminal: Bool { isatty(STDERR_FILENO) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// The columns of the terminal behind a descriptor; nil if there is none or it does not say.
  static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Prints lines above the status line.
  func print(_ text: String) {
    state.withLock { state in
      guard let status = state.status else { return Self.write(text + "\n") }
      Self.write(Self.erasure + text + "\n" + Self.drawing(status))
    }
  }

  /// Draws the status line, which is made for the present width of the terminal.
  func show(_ makeText: (_ width: Int) -> String) {
    state.withLock { state in
      let text = makeText(Self.columns(of: STDERR_FILENO) ?? 80)
      guard !state.isClosed, text != state.status || Cursor.isWantedBack else { return }
      Self.write(Cursor.hiding() + Self.erasure + Self.drawing(text))
      state.status = text
    }
  }

  /// Takes the status line away and gives the cursor back.
  func clear() { state.withLock { Self.clear(&$0) } }

  /// The same for good: whoever still counts in another thread draws nothing any more.
  func close() {
    state.withLock { state in
      Self.clear(&state)
      state.isClosed = true
    }
  }

  private static func clear(_ state: inout State) {
    guard state.status != nil else { return }
    write(erasure + Cursor.showing())
    state.status = nil
  }

  /// What erases the status line, however many rows it has become: all from its start on, for there is nothing below.
  ///
  /// Its first row by itself: a terminal may keep what it showed when it is erased from its very first place on.
  private static let erasure = "\r\u{1B}[2K\u{1B}[C\u{1B}[J\r"

  /// What draws it. The cursor goes back to the start of the line, where the terminal keeps it when a window becomes
  /// narrower and breaks the line; and the line itself breaks none, should the window be narrower than it says.
  private static func drawing(_ status: String) -> String { "\u{1B}[?7l" + status + "\u{1B}[?7h\r" }

  private static func write(_ text: String) { _ = writeAll(text, to: STDERR_FILENO) }
}
