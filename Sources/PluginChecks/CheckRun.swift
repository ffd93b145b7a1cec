import CLinux
import Diagnostics
import Foundation
import PluginHost

/// One running check: the processes that make it, one after the other if one of them does not survive an entry.
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
    return findings.isEmpty ? [.skipped("the library has no entry to which this applies")] : findings
  }
}

/// A process that makes a check, as its parent sees it.
private final class CheckedProcess {
  private let run: CheckRun
  private let currentStep: SharedRegion
  private let process: ConfinedProcess
  /// The entry that it begins with.
  private let first: Int

  struct Outcome {
    /// The entry that was tested last, and their number.
    var lastEntry: (place: Int, count: Int)?
    /// Whether the process ended before its work did.
    var isCutOff = false
  }

  init(_ run: CheckRun, from first: Int) throws {
    self.run = run
    self.first = first
    currentStep = try SharedRegion(size: 0, for: .output)
    process = try ConfinedProcess(run.settings.workers.executable, as: CheckProcess.argument)
    let order = CheckProcess.Order(check: run.check.id, seed: run.settings.seed, path: run.path, firstEntry: first)
    // The first message always has room.
    _ = try process.send(
      Message(
        kind: .open, numbers: (run.settings.workers.memory, UInt64(getpid())), text: order.text,
        files: [run.code.descriptor, currentStep.file]))
  }

  /// Reads messages until the process is done, dead or out of time.
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
    var (reports, hasFinding) = (0, false)
    while true {
      // Checked whether it reports or not: it may report endlessly.
      guard clock.now <= deadline else {
        process.end()
        tell(.failed("did not return within \(run.settings.workers.time) from \(whatItDid)"))
        outcome.isCutOff = true
        return outcome
      }
      switch try process.receive() {
      case .message(let message):
        reports += 1
        // Two for each entry; more come from the library itself, and further messages are worth no more.
        guard reports <= 2 * PluginLibraryFile.mostEntries + 2 else {
          process.end()
          tell(.failed("sends its host messages endlessly in \(whatItDid)"))
          return outcome
        }
        switch (message.kind, CheckProcess.Report(rawValue: message.detail)) {
        case (.done, _): return outcome
        case (.log, .entry):
          let place = Int(clamping: message.numbers.0)
          // In order, each with the time limit of one.
          guard outcome.lastEntry.map({ place == $0.place + 1 }) ?? (place == first) else { continue }
          outcome.lastEntry = (place, min(Int(clamping: message.numbers.1), PluginLibraryFile.mostEntries))
          (entry, hasFinding) = (message.text, false)
          deadline = clock.now + run.settings.workers.time
        case (.log, .finding):
          let place = Int(clamping: message.numbers.0)
          guard CheckStatus.allCases.indices.contains(place), !hasFinding else { continue }
          hasFinding = true
          tell(Finding(status: CheckStatus.allCases[place], message: message.text))
        case (.log, .shortage):
          process.end()
          throw Failure(
            .noResources, "the check '\(run.check.id)' cannot be made: \(printable(message.text))",
            advice: "end other programs, or raise the limits on open files, processes and memory (ulimit -n, -u, -v)")
        default: continue
        }
      case .closed:
        tell(death())
        outcome.isCutOff = true
        return outcome
      case .nothingYet: continue
      }
    }
  }

  /// What the process was doing when it last reported.
  private var whatItDid: String {
    let text = CurrentStep(currentStep).text
    return text.isEmpty ? "its start" : printable(text)
  }

  private func death() -> Finding {
    let death = process.death()
    var meaning = ""
    if case .signal = death { meaning = run.check.meaningOfCrash.map { ": \($0)" } ?? "" }
    return .crashed("\(death.text) in \(whatItDid)\(meaning)\(process.outputTail)")
  }
}
