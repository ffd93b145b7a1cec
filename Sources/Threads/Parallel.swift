import Synchronization

/// Runs `body` for every index below `count` on at most `threads` threads and returns the results in order.
///
/// Which thread does what never affects a result: indices are handed out one by one, and of several errors the one with the
/// lowest index is thrown. After an error no further index is started. The lock protects the results and the next index.
public func inParallel<Result: Sendable>(
  _ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
  // Locked because every thread takes the next index and leaves its result.
  let state = Mutex(Progress<Result>(results: Array(repeating: nil, count: count)))
  onThreads(max(1, min(threads, count))) {
    while let place = state.withLock({ $0.take(count) }) {
      do {
        let result = try body(place)
        state.withLock { $0.results[place] = result }
      } catch {
        state.withLock { $0.fail(error, at: place) }
      }
    }
  }
  return try state.withLock { progress in
    if let failure = progress.failure { throw failure.error }
    return progress.results.compactMap { $0 }
  }
}

private struct Progress<Result> {
  var results: [Result?]
  var next = 0
  var failure: (place: Int, error: any Error)?

  mutating func take(_ count: Int) -> Int? {
    guard failure == nil, next < count else { return nil }
    defer { next += 1 }
    return next
  }

  mutating func fail(_ error: any Error, at place: Int) {
    if let failure, failure.place < place { return }
    failure = (place, error)
  }
}

/// Runs `body` on this thread and, as long as the system gives any, on others, `count` in all; returns when all are done.
private func onThreads(_ count: Int, _ body: @Sendable () -> Void) {
  withoutActuallyEscaping(body) { body in
    var started: [SystemThread] = []
    while started.count + 1 < count, let thread = SystemThread(stackSize: 1 << 20, body) { started.append(thread) }
    body()
    for thread in started { thread.join() }
  }
}
