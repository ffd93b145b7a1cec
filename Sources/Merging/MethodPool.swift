import PluginHost
import Synchronization

/// The instances of a method that work on one module: each serves one thread at a time, so there are as many as threads use
/// at once.
final class MethodPool: Sendable {
  private let make: @Sendable () throws -> MergeMethodInstance
  // Locked because threads take instances and return them at any time.
  private let idle = Mutex<[Idle]>([])

  /// Unchecked because only the thread that takes an instance out of the pool uses it.
  private struct Idle: @unchecked Sendable {
    let method: MergeMethodInstance
  }

  init(_ make: @escaping @Sendable () throws -> MergeMethodInstance) { self.make = make }

  /// Lends an instance that nobody else uses during the call.
  func lend<Result>(_ body: (MergeMethodInstance) throws -> Result) throws -> Result {
    let instance = try idle.withLock { $0.popLast() } ?? Idle(method: make())
    defer { idle.withLock { $0.append(instance) } }
    return try body(instance.method)
  }
}
