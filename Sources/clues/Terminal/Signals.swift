import Diagnostics
import Foundation
import Synchronization

/// What signals do to a command that works: the first asks it to stop, which leaves nothing half-written; a second one
/// ends it at once. Other commands are ended by the first, as any program.
enum Signals {
  private static let last = Atomic<Int32>(0)

  static func ignoreClosedPipes() {
    // Who closes the pipe early gets no more; ``Console`` and ``Screen`` see to it.
    signal(SIGPIPE, SIG_IGN)
    // A file that may grow no further is an error like any other, and no reason to die with a draft in one's hands.
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Lets the signals through that end or stop a command: who starts it in a thread that holds them back, as Dispatch's
  /// workers do, hands that down, and then nothing but SIGKILL would stop it.
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

  /// Ends the process as the signal would have that stopped the work, so that whoever sent it can tell; not after SIGINT,
  /// which has an exit code in the table of all others.
  static func obeyLast() {
    let number = last.load(ordering: .relaxed)
    guard number == SIGTERM || number == SIGHUP else { return }
    signal(number, SIG_DFL)
    kill(getpid(), number)
    pause()
  }
}
