import Foundation
import Synchronization

/// Standard error as a screen: lines that stay, and under them one status line that is drawn over itself.
///
/// Everything that goes to standard error goes through here, so that a message never lands in the middle of the status
/// line. Each change is one write, which is what keeps it from flickering.
final class Screen: Sendable {
  static let standardError = Screen()

  private struct State {
    /// What the status line shows, and how wide the terminal was when it was drawn.
    var status: (text: String, width: Int)?
  }

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
      let status = state.status?.text ?? ""
      Self.write(Self.erasing(state.status) + text + "\n" + status)
    }
  }

  /// Draws the status line, which is made for the present width of the terminal.
  func show(_ makeText: (_ width: Int) -> String) {
    state.withLock { state in
      let width = Self.columns(of: STDERR_FILENO) ?? 80
      let text = makeText(width)
      guard text != state.status?.text || width != state.status?.width || Cursor.isWantedBack else { return }
      Self.write(Cursor.hiding() + Self.erasing(state.status, width: width) + text)
      state.status = (text, width)
    }
  }

  /// Takes the status line away and gives the cursor back.
  func clear() {
    state.withLock { state in
      guard state.status != nil else { return }
      Self.write(Self.erasing(state.status) + Cursor.showing())
      state.status = nil
    }
  }

  /// What erases the status line, also where the terminal has become narrower and broken it into several.
  private static func erasing(_ status: (text: String, width: Int)?, width: Int? = nil) -> String {
    guard let status else { return "" }
    let width = width ?? columns(of: STDERR_FILENO) ?? 80
    let rows = width < status.width ? max(0, visibleWidth(status.text) - 1) / max(1, width) : 0
    return rows > 0 ? "\r\u{1B}[\(rows)A\u{1B}[J" : "\r\u{1B}[2K"
  }

  /// How many columns a text takes, without the sequences that colour it.
  static func visibleWidth(_ text: String) -> Int { text.replacing(/\u{1B}\[[0-9;]*m/, with: "").count }

  private static func write(_ text: String) { try? writeAll(text, to: STDERR_FILENO) }
}

/// Why a descriptor takes no more.
struct WriteError: Error {
  let code: Int32
}

/// Writes the whole text, however often it takes.
///
/// - throws: ``WriteError``.
func writeAll(_ text: String, to descriptor: Int32) throws {
  var text = text
  try text.withUTF8 { bytes in
    var rest = UnsafeRawBufferPointer(bytes)
    while !rest.isEmpty {
      let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw WriteError(code: errno) }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }
}
