import Diagnostics
import Files
import Foundation
import Synchronization

/// Standard error as a screen: permanent lines, and below them one status line that is redrawn.
///
/// All output to standard error goes through here, so that a message never appears in the middle of the status line. Each
/// change is a single write, which avoids flicker.
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

  /// The number of columns of a descriptor's terminal; nil if there is none or it does not report them.
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

  /// Draws the status line, which is made for the current width of the terminal.
  func show(_ makeText: (_ width: Int) -> String) {
    state.withLock { state in
      let text = makeText(Self.columns(of: STDERR_FILENO) ?? 80)
      guard !state.isClosed, text != state.status || Cursor.isWantedBack else { return }
      Self.write(Cursor.hiding() + Self.erasure + Self.drawing(text))
      state.status = text
    }
  }

  /// Removes the status line and shows the cursor.
  func clear() { state.withLock { Self.clear(&$0) } }

  /// The same permanently: threads that are still counting draw nothing any more.
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

  /// The sequence that erases the status line, regardless of its rows: everything from its start, since nothing is below.
  ///
  /// Its first row is erased separately: a terminal may keep what it showed if it is erased from its very first position.
  private static let erasure = "\r\u{1B}[2K\u{1B}[C\u{1B}[J\r"

  /// Draws it. The cursor returns to the start of the line, where the terminal keeps it if a narrower window wraps the line;
  /// wrapping is off meanwhile, in case the window is narrower than reported.
  private static func drawing(_ status: String) -> String { "\u{1B}[?7l" + status + "\u{1B}[?7h\r" }

  private static func write(_ text: String) { _ = writeAll(text, to: STDERR_FILENO) }
}
