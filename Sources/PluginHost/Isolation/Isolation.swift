/// Where the code of plugins runs that do not ship with Clues.
public enum Isolation: Sendable {
  /// In worker processes, which can hurt nobody.
  case process(WorkerSettings = WorkerSettings())

  /// In this process: such a plugin may do all that its user may do.
  case none
}

/// How workers are started and what they may use.
public struct WorkerSettings: Sendable {
  /// The program that is started as a worker; this one, unless a test says otherwise.
  public var executable: String

  /// Private memory beyond what a worker has at its start, in bytes.
  public var memory: UInt64

  /// The longest that one call of a plugin may take.
  public var time: Duration

  public init(executable: String = "/proc/self/exe", memory: UInt64 = 4 << 30, time: Duration = .seconds(600)) {
    self.executable = executable
    self.memory = memory
    self.time = time
  }

  /// The first argument of a program that is to be a worker.
  public static let argument = "__worker"
}
