import CLinux
import Diagnostics
import Files
import Foundation
import Tensors

/// A process that runs untrusted code, and this process's end of the channel to it; it dies with this object.
package final class ConfinedProcess {
  private let process: pid_t
  private let channel: Int32
  /// Its standard output and error, which are only read in case it dies.
  private let outputPipe: Int32
  /// Closed by the kernel when this process dies, for any reason; the other one is killed then.
  private let lifeline: Int32
  package private(set) var isAlive = true

  /// The last line of its log.
  package var lastLogged = ""
  /// The last line of its standard output or error.
  private var lastMurmured = ""

  /// Starts a program with one argument, the kind of worker to be.
  package init(_ executable: String, as argument: String) throws {
    let launched = try WorkerLauncher.shared.launch(executable, as: argument)
    (process, channel) = (launched.process, launched.channel)
    (outputPipe, lifeline) = (launched.outputPipe, launched.lifeline)
  }

  deinit {
    end()
    close(channel)
    close(outputPipe)
    close(lifeline)
  }

  /// Waits at most a tenth of a second for room: a process that does not read must not block its host.
  package func send(_ message: Message) throws -> Message.Sending {
    try endingOnFailure { try message.send(over: channel, milliseconds: 100) }
  }

  /// Limits its address space.
  func limitAddressSpace(_ size: UInt64) throws {
    try endingOnFailure {
      guard clues_limit_address_space(process, size) == 0 else {
        throw Failure(system: .pluginFailed, "the memory of a plugin's worker cannot be limited")
      }
    }
  }

  /// Waits at most a tenth of a second. Files from a confined process are not accepted.
  package func receive() throws -> Message.Reception {
    let reception = try endingOnFailure { try Message.receive(over: channel, milliseconds: 100) }
    drain()
    if case .message(let message) = reception { for file in message.files { close(file) } }
    return reception
  }

  /// After a failed exchange the process cannot be used any longer.
  private func endingOnFailure<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch {
      end()
      throw error
    }
  }

  /// Kills it.
  package func end() {
    guard isAlive else { return }
    isAlive = false
    kill(process, SIGKILL)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
  }

  /// How a process ended.
  package enum Death {
    case exit(Int32)
    case signal(Int32)

    package var text: String {
      switch self {
      case .exit(let status): "ended its process with status \(status)"
      case .signal(let signal): "crashed (\(signalName(signal)))"
      }
    }
  }

  /// Determines how it ended, once it has closed its channel.
  package func death() -> Death {
    isAlive = false
    var status: Int32 = 0
    // It may have closed its channel and still be running, which is not waited for.
    for attempt in 0..<100 where waitpid(process, &status, WNOHANG) == 0 {
      if attempt == 99 {
        kill(process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
      }
      usleep(10_000)
    }
    drain()
    return status & 0x7F == 0 ? .exit((status >> 8) & 0xFF) : .signal(status & 0x7F)
  }

  /// Its last output, as the end of a sentence. What libraries write when they die says more than the log.
  package var outputTail: String {
    let line = lastMurmured.isEmpty ? lastLogged : lastMurmured
    return line.isEmpty ? "" : "; its last output: \(line.prefix(500))"
  }

  /// Reads its output, so that its pipe never fills and the last line is known if it dies. Reads at most what a pipe holds,
  /// because the process may write faster than it is read.
  private func drain() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    for _ in 0..<16 {
      let count = read(outputPipe, &buffer, buffer.count)
      guard count > 0 else { return }
      let lines = String(decoding: buffer.prefix(count), as: UTF8.self).split(whereSeparator: \.isNewline)
      if let line = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) { lastMurmured = String(line) }
    }
  }
}

/// The usual name: SIGSEGV.
private func signalName(_ signal: Int32) -> String {
  let names: [Int32: String] = [
    SIGSEGV: "SIGSEGV", SIGILL: "SIGILL", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGTRAP: "SIGTRAP",
    SIGKILL: "SIGKILL", SIGSYS: "SIGSYS", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGTERM: "SIGTERM",
    SIGINT: "SIGINT",
  ]
  return names[signal] ?? "signal \(signal)"
}
