import PluginHost
import Synchronization

/// The instances of a method that work on one module: each serves one thread at a time, so there are as many as threads ask
/// for one at once.
final class MethodPool: Sendable {
  private let make: @Sendable () throws -> any MergeMethodInstance
  private let idle = Mutex<[Idle]>([])

  /// Unchecked, for it is taken out by the thread that uses it.
  private struct Idle: @unchecked Sendable {
    let method: any MergeMethodInstance
  }

  init(_ make: @escaping @Sendable () throws -> any MergeMethodInstance) { self.make = make }

  /// Lends an instance that nobody else uses meanwhile.
  func lend<Result>(_ body: (any MergeMethodInstance) throws -> Result) throws -> Result {
    let instance = try idle.withLock { $0.popLast() } ?? Idle(method: make())
    defer { idle.withLock { $0.append(instance) } }
    return try body(instance.method)
  }
}
