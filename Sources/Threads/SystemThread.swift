import Glibc

/// A started system thread, or none if the system has none left.
///
/// Plugins and BLAS block, so this must not be Swift's cooperative pool. Nor is it Dispatch, which waits forever if it cannot
/// get a thread and crashes without a file descriptor, nor Foundation's `Thread`, which does not report a failed start.
public struct SystemThread: Sendable {
  private let id: pthread_t

  /// Starts a thread that runs `body`.
  ///
  /// - parameter stackSize: In bytes; by default the system's.
  public init?(stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    if let stackSize { pthread_attr_setstacksize(&attributes, stackSize) }
    let work = Unmanaged.passRetained(Work(body: body))
    var id = pthread_t()
    let status = pthread_create(
      &id, &attributes,
      { context in
        guard let context else { return nil }
        Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    guard status == 0 else {
      work.release()
      return nil
    }
    self.id = id
  }

  /// Waits until the thread has ended. Either this or ``detach()`` is called, once.
  public func join() { pthread_join(id, nil) }

  /// Lets the thread end by itself.
  public func detach() { pthread_detach(id) }
}

private final class Work: Sendable {
  let body: @Sendable () -> Void

  init(body: @escaping @Sendable () -> Void) { self.body = body }
}
