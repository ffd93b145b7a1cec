import CLinux
import Foundation

/// State that a plugin shares with the rest of its process, and must leave unchanged.
struct ProcessState {
  private let facts: [(name: String, value: String)]

  /// The current state, in this thread.
  static var now: ProcessState {
    let mask = umask(0)
    umask(mask)
    var signals = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &signals)
    let folder = getcwd(nil, 0)
    defer { free(folder) }
    var facts: [(name: String, value: String)] = [
      ("the floating-point environment (rounding, denormals, traps)", String(clues_float_control(), radix: 16)),
      ("the locale", setlocale(LC_ALL, nil).map { String(cString: $0) } ?? ""),
      ("the thread's locale", uselocale(nil).map { "\($0)" } ?? ""),
      ("the working directory", folder.map { String(cString: $0) } ?? ""),
      ("the umask", String(mask, radix: 8)),
      ("the signal mask", withUnsafeBytes(of: signals) { String($0.load(as: UInt64.self), radix: 16) }),
      ("the environment", environmentText()),
      ("standard input, output or error", (0...2).map(identity).joined(separator: " ")),
    ]
    for signal in 1..<65 { facts.append(("the handler of signal \(signal)", handler(of: Int32(signal)))) }
    return ProcessState(facts: facts)
  }

  /// The differences from before, in words.
  func changes(since before: ProcessState) -> [String] {
    zip(before.facts, facts).filter { $0.value != $1.value }.map(\.0.name)
  }

  private static func handler(of signal: Int32) -> String {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return "" }
    // The handler; the rest of the struct is not entirely filled.
    return withUnsafeBytes(of: action) { "\($0.load(as: UInt.self)) \(action.sa_flags)" }
  }

  private static func environmentText() -> String {
    ProcessInfo.processInfo.environment.map { "\($0)=\($1)" }.sorted().joined(separator: "\n")
  }

  private static func identity(of file: Int32) -> String {
    var status = stat()
    return fstat(file, &status) == 0 ? "\(status.st_dev):\(status.st_ino)" : "closed"
  }
}

/// The resources that a process uses, read from files that were opened before it was sandboxed.
final class ResourceUsage {
  private let status: Int32
  private let pages: Int32

  init() {
    status = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
    pages = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
  }

  private func text(_ file: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = pread(file, &buffer, buffer.count, 0)
    return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
  }

  /// The number of threads of this process; nil if it is unknown.
  var threads: Int? {
    text(status).split(separator: "\n").first { $0.hasPrefix("Threads:") }
      .flatMap { Int($0.dropFirst(8).filter(\.isNumber)) }
  }

  /// The number of open files of this process.
  var files: Int { (0..<Int32(64)).filter { fcntl($0, F_GETFD) >= 0 }.count }

  /// The number of bytes currently allocated.
  var allocated: Int { Int(clues_allocated()) }

  /// The number of bytes currently mapped.
  var mapped: Int { (text(pages).split(separator: " ").first.flatMap { Int($0) } ?? 0) * Int(getpagesize()) }
}
