import Diagnostics
import Foundation
import Synchronization

/// The effect of signals on a working command: the first asks it to stop, which leaves nothing half-written; a second one
/// ends it immediately. Other commands are ended by the first, like any program.
enum Signals {
  private static let last = Atomic<Int32>(0)

  static func ignoreClosedPipes() {
    // If a pipe is closed early, ``Console`` and ``Screen`` handle it.
    signal(SIGPIPE, SIG_IGN)
    // A file size limit is an error like any other, and must not kill the process with a draft open.
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Unblocks the signals that end or stop a command: a parent that starts it in a thread with blocked signals, like Dispatch's
  /// workers, passes the mask on, and then only SIGKILL would stop it.
  static func letThrough() {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  static func stopInOrder() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      handle(number) { number in
        if Interruption.isPending {
          Cursor.restore()
          // Drafts are removed by the next run.
          _exit(128 + number)
        }
        Signals.last.store(number, ordering: .relaxed)
        Interruption.request()
      }
    }
  }

  /// Ends the process as the signal that stopped the work would have, so that its sender can tell; not after SIGINT, which
  /// has an exit code in the table of all others.
  static func obeyLast() {
    let number = last.load(ordering: .relaxed)
    guard number == SIGTERM || number == SIGHUP else { return }
    signal(number, SIG_DFL)
    kill(getpid(), number)
    pause()
  }
}
