import CSystem
import Diagnostics
import Foundation
import PluginHost

/// One check at work: the processes that make it, one after the other where one of them does not survive an entry.
struct CheckRun {
  let check: Check
  let code: SealedFile
  let path: String
  let settings: PluginChecker.Settings

  /// All findings; never empty.
  func findings() throws -> [Finding] {
    var findings: [Finding] = []
    var first = 0
    while true {
      let process = try CheckedProcess(self, from: first)
      let outcome = try process.follow { findings.append($0) }
      guard let last = outcome.lastEntry, outcome.isCutOff, last.place + 1 < last.count else { break }
      first = last.place + 1
    }
    return findings.isEmpty ? [.skipped("the library has no entry that this is about")] : findings
  }
}

/// A process that makes a check, seen from the one that started it.
private final class CheckedProcess {
  private let run: CheckRun
  private let doing: SharedRegion
  private let process: pid_t
  private let channel: Int32
  private let murmur: Int32
  private var isAlive = true
  private var lastLine = ""

  struct Outcome {
    /// The entry that was tried last, of so many.
    var lastEntry: (place: Int, count: Int)?
    /// Whether the process ended before its work did.
    var isCutOff = false
  }

  init(_ run: CheckRun, from first: Int) throws {
    self.run = run
    doing = try SharedRegion(size: 0, for: .output)
    (process, channel, murmur) = try WorkerLauncher.shared.launch(
      run.settings.workers.executable, as: CheckProcess.argument)
    let order = CheckProcess.Order(check: run.check.id, seed: run.settings.seed, path: run.path, firstEntry: first)
    _ = try Message(
      kind: .open, numbers: (run.settings.workers.memory, UInt64(getpid())), text: order.text,
      files: [run.code.descriptor, doing.file]
    ).send(over: channel)
  }

  deinit {
    end()
    close(channel)
    close(murmur)
  }

  /// Listens until the process is done, dead or out of time.
  func follow(_ report: (Finding) -> Void) throws -> Outcome {
    var outcome = Outcome()
    var entry: String?
    func tell(_ finding: Finding) {
      var finding = finding
      finding.entry = entry
      report(finding)
    }
    let clock = ContinuousClock()
    var deadline = clock.now + run.settings.workers.time
    while true {
      let reception = try Message.receive(over: channel, milliseconds: 100)
      drain()
      switch reception {
      case .message(let message):
        for file in message.files { close(file) }
        switch (message.kind, CheckProcess.Report(rawValue: message.detail)) {
        case (.done, _): return outcome
        case (.log, .entry):
          outcome.lastEntry = (Int(clamping: message.numbers.0), Int(clamping: message.numbers.1))
          entry = message.text
          deadline = clock.now + run.settings.workers.time
        case (.log, .finding):
          let place = Int(clamping: message.numbers.0)
          guard CheckStatus.allCases.indices.contains(place) else { continue }
          tell(Finding(status: CheckStatus.allCases[place], message: message.text))
        default: continue
        }
      case .closed:
        tell(death())
        outcome.isCutOff = true
        return outcome
      case .nothingYet:
        guard clock.now > deadline else { continue }
        end()
        tell(.failed("did not come back within \(run.settings.workers.time) from \(whatItDid)"))
        outcome.isCutOff = true
        return outcome
      }
    }
  }

  /// What the process was about when it was last heard of.
  private var whatItDid: String {
    let text = Doing(doing).text
    return text.isEmpty ? "its start" : printable(text)
  }

  private func death() -> Finding {
    isAlive = false
    var status: Int32 = 0
    for attempt in 0..<200 where waitpid(process, &status, WNOHANG) == 0 {
      if attempt == 199 {
        kill(process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
      }
      usleep(10_000)
    }
    drain()
    let signal = status & 0x7F
    let words = lastLine.isEmpty ? "" : "; the last that was heard of it: \(lastLine.prefix(300))"
    if signal == 0 {
      return .crashed("ended its process with status \((status >> 8) & 0xFF) in \(whatItDid)\(words)")
    }
    let meaning = run.check.meaningOfCrash.map { ": \($0)" } ?? ""
    return .crashed("crashed (\(signalName(signal))) in \(whatItDid)\(meaning)\(words)")
  }

  private func end() {
    guard isAlive else { return }
    isAlive = false
    kill(process, SIGKILL)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
  }

  /// Reads what the process wrote to standard output and error, of which the last line tells most about a death.
  private func drain() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(murmur, &buffer, buffer.count)
      guard count > 0 else { return }
      let lines = String(decoding: buffer.prefix(count), as: UTF8.self).split(whereSeparator: \.isNewline)
      if let line = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) { lastLine = String(line) }
    }
  }
}
