import CLinux
import Diagnostics
import Files
import Foundation
import Tensors
import Threads

/// Starts all workers from one thread that never ends.
///
/// A worker dies with the thread that started it (Linux's signal for the parent's death is bound to it), so this must not be
/// one of the threads that come and go with the work.
final class WorkerLauncher: @unchecked Sendable {
  // Unchecked because the queue is only accessed under the condition's lock.
  static let shared = WorkerLauncher()

  private let condition = NSCondition()
  private var orders: [() -> Void] = []

  private var isStarted = false

  private init() {}

  /// Starts the thread if it is not running yet; called under the lock.
  private func start() throws {
    guard !isStarted else { return }
    let thread = SystemThread { [self] in
      while true {
        condition.lock()
        while orders.isEmpty { condition.wait() }
        let order = orders.removeFirst()
        condition.unlock()
        order()
      }
    }
    guard let thread else {
      throw Failure(
        .noResources, "the system cannot create the thread that starts plugins",
        advice:
          "raise the limit on processes (ulimit -u), or, if you trust your plugins, run them in the same process: --isolation none"
      )
    }
    thread.detach()
    isStarted = true
  }

  /// A started process, and the host's ends of the channels to it.
  struct Launched {
    var process: pid_t = -1
    var channel: Int32 = -1
    /// Its standard output and error.
    var outputPipe: Int32 = -1
    /// Closing this kills the process.
    var lifeline: Int32 = -1
  }

  /// Starts a program with one argument, the kind of worker to be.
  func launch(_ executable: String, as argument: String) throws -> Launched {
    let done = DispatchSemaphore(value: 0)
    // Unchecked because the launcher writes it before it signals, and it is read only after that.
    nonisolated(unsafe) var outcome: Result<Launched, any Error>?
    try condition.withLock {
      try start()
      orders.append {
        outcome = Result { try spawn(executable, argument) }
        done.signal()
      }
      condition.signal()
    }
    done.wait()
    return try outcome!.get()
  }
}

private func spawn(_ executable: String, _ argument: String) throws -> WorkerLauncher.Launched {
  // From the user's environment only the choice of OpenBLAS kernels, which must be the host's; one thread for OpenBLAS, and no
  // backtraces from the Swift runtime.
  let kernels = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"].compactMap { name in
    ProcessInfo.processInfo.environment[name].map { "\(name)=\($0)" }
  }
  let environment = ["LANG=C.UTF-8", "OPENBLAS_NUM_THREADS=1", "SWIFT_BACKTRACE=enable=no"] + kernels
  var worker = WorkerLauncher.Launched()
  worker.process = withCStrings(["clues", argument]) { arguments in
    withCStrings(environment) {
      clues_launch(executable, arguments, $0, &worker.channel, &worker.outputPipe, &worker.lifeline)
    }
  }
  guard worker.process >= 0 else {
    throw Failure(
      system: .pluginFailed, "the worker of a plugin cannot be started from \(executable)",
      advice: "if you trust your plugins, run them in the same process: --isolation none")
  }
  return worker
}

/// Passes the strings as a null-terminated list of C strings.
private func withCStrings<Result>(
  _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = texts.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies + [nil])
}
