import CluesPluginABI
import Foundation
import PluginHost

extension Check {
  /// What an entry leaves behind in its process.
  static let processState: [Check] = [
    .entry(
      "surroundings",
      "Floating-point environment, locale, working directory, umask, signals and environment stay as they were.",
      advice: "change nothing that belongs to the process, also through libraries that you use"
    ) { plugin in
      _ = plugin.perform()
      let changes = ProcessState.now.changes(since: plugin.context.before.processState)
      plugin.context.takeStock()
      guard !changes.isEmpty else { return .success }
      return .failed("changes \(changes.joined(separator: ", "))")
    },
    .entry(
      "threads-left", "It leaves no thread running.",
      advice: "do not start threads: the host distributes the work"
    ) { plugin in
      let resourceUsage = plugin.context.resourceUsage
      guard let before = plugin.context.before.threads else {
        return .skipped("the threads of a process cannot be counted here")
      }
      _ = plugin.perform()
      // Gives a thread that is about to end time to do so.
      for _ in 0..<20 where resourceUsage.threads ?? before > before { usleep(10_000) }
      let left = (resourceUsage.threads ?? before) - before
      plugin.context.takeStock()
      return left > 0
        ? .failed("\(left) \(left == 1 ? "thread that it started is" : "threads that it started are") still there")
        : .success
    },
    .entry(
      "files-left", "It leaves no file open, and closes none that it did not open.",
      advice: "do not open files: all evidence comes from the host"
    ) { plugin in
      let resourceUsage = plugin.context.resourceUsage
      for _ in 0..<3 { _ = plugin.perform() }
      let change = resourceUsage.files - plugin.context.before.files
      plugin.context.takeStock()
      if change > 0 { return .failed("leaves \(change) \(change == 1 ? "file" : "files") open") }
      return change < 0
        ? .failed("closes \(-change) \(change == -1 ? "file" : "files") that it did not open") : .success
    },
    .entry(
      "silent", "It writes nothing to standard output.",
      advice: "log with host->log: standard output is for the result of Clues"
    ) { plugin in
      if let line = plugin.context.printedOnLoading {
        return .failed("writes to standard output when loaded: \(line)")
      }
      let (_, line) = try watchingOutput { plugin.perform() }
      return line.map { .failed("writes to standard output: \($0)") } ?? .success
    },
  ]
}
