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
      fflush(nil)
      let kept = dup(1)
      var ends: [Int32] = [-1, -1]
      guard kept >= 0, pipe(&ends) == 0, fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0,
        fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0, dup2(ends[1], 1) == 1
      else {
        return .skipped("standard output cannot be watched here")
      }
      _ = specimen.perform()
      fflush(nil)
      dup2(kept, 1)
      var buffer = [UInt8](repeating: 0, count: 256)
      let count = read(ends[0], &buffer, buffer.count)
      for file in [kept] + ends { close(file) }
      guard count > 0 else { return .success }
      let text = String(decoding: buffer.prefix(count), as: UTF8.self)
      return .failed("writes to standard output: '\(text.prefix { !$0.isNewline }.prefix(60))'")
    },
  ]
}
