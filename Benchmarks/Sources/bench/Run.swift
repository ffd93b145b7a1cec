import Foundation

/// A command as a whole process.
struct Command {
  let label: String
  let arguments: [String]
  /// What it makes: gone before every run, for to throw an old result away is not its work.
  let output: String?

  init(_ label: String, _ arguments: [String], output: String? = nil) {
    self.label = label
    self.arguments = arguments
    self.output = output
  }

  /// Several processes at once, so many at a time.
  static func parallel(_ label: String, _ commands: [[String]], atATime count: Int) -> Command {
    let lines = commands.map { $0.map { "'\($0)'" }.joined(separator: " ") + " >/dev/null" }
    let groups = stride(from: 0, to: lines.count, by: count).map { lines[$0..<min($0 + count, lines.count)] }
    let script = groups.map { $0.map { "\($0) & " }.joined() + "wait" }.joined(separator: "; ")
    return Command(label, ["/bin/sh", "-c", script])
  }
}

/// What the system says about a process that has ended.
struct Usage {
  let seconds: Double
  /// Processor time, in user and system mode, of the process and its children.
  let cpu: Double
  /// The most memory it had at once, mapped files included, in bytes.
  let peak: Double
  let pageFaults: Double
  /// Bytes that came from the disk and not from the page cache.
  let bytesRead: Double
}

struct CommandFailure: Error, CustomStringConvertible {
  let description: String
}

extension Command {
  /// Runs it to the end; what it prints is thrown away, but for errors.
  func run() throws -> Usage {
    if let output, FileManager.default.fileExists(atPath: output) { try FileManager.default.removeItem(atPath: output) }
    let log = FileManager.default.temporaryDirectory.appending(path: "bench-\(getpid()).log").path
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var pointers = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var process = pid_t()
    let clock = ContinuousClock()
    let start = clock.now
    guard posix_spawn(&process, arguments[0], &actions, nil, &pointers, environ) == 0 else {
      throw CommandFailure(description: "\(arguments[0]) cannot be started")
    }
    var status: Int32 = 0
    var usage = rusage()
    guard wait4(process, &status, 0, &usage) == process else {
      throw CommandFailure(description: "\(label) cannot be waited for")
    }
    let seconds = (clock.now - start) / .seconds(1)
    guard status == 0 else {
      let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      throw CommandFailure(description: "\(label) failed: \(arguments.joined(separator: " "))\n\(said)")
    }
    unlink(log)
    func time(_ value: timeval) -> Double { Double(value.tv_sec) + Double(value.tv_usec) / 1e6 }
    return Usage(
      seconds: seconds, cpu: time(usage.ru_utime) + time(usage.ru_stime), peak: Double(usage.ru_maxrss) * 1024,
      pageFaults: Double(usage.ru_minflt + usage.ru_majflt), bytesRead: Double(usage.ru_inblock) * 512)
  }
}

/// Several runs of commands in turn, A B A B …, so that a machine that slows down slows all of them down.
struct Series {
  let commands: [Command]
  private(set) var runs: [[Usage]]

  /// - parameter warm: Whether to run each once before, uncounted.
  init(_ commands: [Command], runs count: Int, warm: Bool = true) throws {
    self.commands = commands
    runs = commands.map { _ in [] }
    if warm { for command in commands { _ = try command.run() } }
    for _ in 0..<count {
      for (index, command) in commands.enumerated() { runs[index].append(try command.run()) }
    }
  }

  func median(_ index: Int, _ value: KeyPath<Usage, Double> = \.seconds) -> Double {
    bench.median(runs[index].map { $0[keyPath: value] })
  }

  /// How much more processor time one command takes than another, run by run.
  func difference(_ first: Int, _ second: Int) -> [Double] { zip(runs[first], runs[second]).map { $0.cpu - $1.cpu } }

  /// The median of the ratios of the runs that were made side by side.
  func ratio(_ first: Int, to second: Int, _ value: KeyPath<Usage, Double> = \.seconds) -> Double {
    bench.median(zip(runs[first], runs[second]).map { $0[keyPath: value] / $1[keyPath: value] })
  }
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return .nan }
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
