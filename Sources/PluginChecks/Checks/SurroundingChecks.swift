import CluesPluginABI
import Foundation
import PluginHost

extension Check {
  /// What an entry leaves behind in its process.
  static let surroundings: [Check] = [
    .entry(
      "surroundings",
      "Floating-point environment, locale, working directory, umask, signals and environment stay as they were.",
      advice: "change nothing that belongs to the process; libraries that you use may do it for you"
    ) { specimen in
      _ = specimen.perform()
      let changes = Surroundings.now.changes(since: specimen.workplace.before.surroundings)
      specimen.workplace.takeStock()
      guard !changes.isEmpty else { return .success }
      return .failed("changes \(changes.joined(separator: ", "))")
    },
    .entry(
      "threads-left", "It leaves no thread running.",
      advice: "start no threads: the host spreads the work"
    ) { specimen in
      let meters = specimen.workplace.meters
      guard let before = specimen.workplace.before.threads else {
        return .skipped("the threads of a process cannot be counted here")
      }
      _ = specimen.perform()
      // A thread that is about to end gets the time for it.
      for _ in 0..<20 where meters.threads ?? before > before { usleep(10_000) }
      let left = (meters.threads ?? before) - before
      specimen.workplace.takeStock()
      return left > 0
        ? .failed("\(left) \(left == 1 ? "thread that it started is" : "threads that it started are") still there")
        : .success
    },
    .entry(
      "files-left", "It leaves no file open, and closes none of others.",
      advice: "open no files: all evidence comes from the host"
    ) { specimen in
      let meters = specimen.workplace.meters
      for _ in 0..<3 { _ = specimen.perform() }
      let change = meters.files - specimen.workplace.before.files
      specimen.workplace.takeStock()
      if change > 0 { return .failed("leaves \(change) \(change == 1 ? "file" : "files") open") }
      return change < 0
        ? .failed("closes \(-change) \(change == -1 ? "file" : "files") that are not its own") : .success
    },
    .entry(
      "silent", "It writes nothing to standard output.",
      advice: "log with host->log: standard output is for the result of Clues"
    ) { specimen in
      if let line = specimen.workplace.printedOnLoading {
        return .failed("writes to standard output when loaded: \(line)")
      }
      let (_, line) = try watchingOutput { specimen.perform() }
      return line.map { .failed("writes to standard output: \($0)") } ?? .success
    },
  ]
}
