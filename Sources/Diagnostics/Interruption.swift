import Synchronization

/// Whether the user has asked to stop. A signal handler sets it; long work asks for it.
public enum Interruption {
  private static let isRequested = Atomic<Bool>(false)

  /// Asks all work to stop; safe to call from a signal handler.
  public static func request() { isRequested.store(true, ordering: .relaxed) }

  /// Whether somebody has asked to stop.
  public static var isPending: Bool { isRequested.load(ordering: .relaxed) }

  /// - throws: ``Failure`` `interrupted` once the user has asked to stop.
  public static func check() throws {
    if isPending { throw failure }
  }

  /// What work that was stopped ends with, wherever it stood.
  public static var failure: Failure { Failure(.interrupted, "interrupted; nothing was written") }
}
