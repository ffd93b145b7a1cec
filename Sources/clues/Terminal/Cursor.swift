import Foundation
import Synchronization

/// The terminal's cursor, which is hidden while a status line is drawn and restored on every exit.
enum Cursor {
  private static let isHidden = Atomic<Bool>(false)
  private static let isLost = Atomic<Bool>(false)

  /// The sequence that hides the cursor; empty if it is hidden already.
  static func hiding() -> String {
    isLost.store(false, ordering: .relaxed)
    guard !isHidden.exchange(true, ordering: .relaxed) else { return "" }
    _ = handlers
    return "\u{1B}[?25l"
  }

  /// The sequence that shows the cursor; empty if it is shown already.
  static func showing() -> String { isHidden.exchange(false, ordering: .relaxed) ? "\u{1B}[?25h" : "" }

  /// Whether the process was suspended and continued, so that everything must be redrawn.
  static var isWantedBack: Bool { isLost.load(ordering: .relaxed) }

  /// Ends the status line and shows the cursor; safe to call from a signal handler.
  static func restore() {
    guard isHidden.exchange(false, ordering: .relaxed) else { return }
    let sequence: StaticString = "\r\u{1B}[2K\u{1B}[C\u{1B}[J\r\u{1B}[?7h\u{1B}[?25h"
    _ = write(STDERR_FILENO, sequence.utf8Start, sequence.utf8CodeUnitCount)
  }

  /// Handlers that show the cursor before a signal takes its usual effect; set once, when the cursor is first hidden.
  private static let handlers: Void = {
    // Crashes: back to the previous handler, such as Swift's backtraces.
    for number in faults {
      var mine = sigaction()
      mine.__sigaction_handler.sa_handler = { number in
        Cursor.restore()
        sigaction(number, Cursor.former + Int(number), nil)
        raise(number)
      }
      sigaction(number, &mine, former + Int(number))
    }
    for number in [SIGQUIT, SIGTSTP] { handle(number, restoreAndObey) }
    handle(SIGCONT) { _ in
      Cursor.isLost.store(true, ordering: .relaxed)
      handle(SIGTSTP, Cursor.restoreAndObey)
    }
  }()

  private static let faults = [SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP]

  /// The previous actions for signals, by number. A plain address, because a handler may not lock.
  nonisolated(unsafe) private static let former = UnsafeMutablePointer<sigaction>.allocate(capacity: 65)

  private static let restoreAndObey: @convention(c) (Int32) -> Void = { number in
    Cursor.restore()
    // Delivered once the handler has returned.
    signal(number, SIG_DFL)
    kill(getpid(), number)
  }
}

/// Sets a handler for a signal, unless the parent process wants it ignored.
func handle(_ number: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
  var present = sigaction()
  guard sigaction(number, nil, &present) == 0 else { return }
  let isIgnored = present.__sigaction_handler.sa_handler.map { unsafeBitCast($0, to: Int.self) == 1 } ?? false
  if !isIgnored { signal(number, handler) }
}
