/// Where plugins that do not ship with Clues run.
public enum Isolation: Sendable {
  /// In worker processes, where they can do no harm.
  case process(WorkerSettings = WorkerSettings())

  /// In this process: such a plugin may do everything that its user may do.
  case none
}

/// How workers are started and what they may use.
public struct WorkerSettings: Sendable {
  /// The program started as a worker; by default this one, tests use others.
  public var executable: String

  /// Private memory in addition to what a worker has at its start, in bytes.
  public var memory: UInt64

  /// The maximum duration of one call of a plugin.
  public var time: Duration

  public init(executable: String = "/proc/self/exe", memory: UInt64 = 4 << 30, time: Duration = .seconds(600)) {
    self.executable = executable
    self.memory = memory
    self.time = time
  }

  /// The first argument of a program that is started as a worker.
  public static let argument = "__worker"
}
