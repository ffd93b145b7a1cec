import Synchronization

/// Whether the user has asked to stop. A signal handler sets it; long-running work checks it.
public enum Interruption {
  private static let isRequested = Atomic<Bool>(false)

  /// Asks all work to stop; safe to call from a signal handler.
  public static func request() { isRequested.store(true, ordering: .relaxed) }

  /// Whether the user has asked to stop.
  public static var isPending: Bool { isRequested.load(ordering: .relaxed) }

  /// - throws: ``Failure`` `interrupted` once the user has asked to stop.
  public static func check() throws {
    if isPending { throw failure }
  }

  /// The failure with which interrupted work ends.
  public static var failure: Failure { Failure(.interrupted, "interrupted; nothing was written") }
}
