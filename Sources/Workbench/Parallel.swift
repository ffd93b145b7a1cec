import Diagnostics
import Foundation
import Synchronization

/// Runs `body` for every place below `count` on at most `threads` threads and gives the results in order.
///
/// Which thread does what never shows in a result: places are handed out one by one, and of several errors the one with
/// the lowest place is thrown. After an error no further place is begun.
func inParallel<Result: Sendable>(
  _ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
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
///
/// Plugins and BLAS block, so this must not be Swift's cooperative pool. Nor is it Dispatch: where there is no thread to be had
/// it waits for one without end, and where there is no descriptor it ends the process.
private func onThreads(_ count: Int, _ body: @Sendable () -> Void) {
  withoutActuallyEscaping(body) { body in
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 1 << 20)
    defer { pthread_attr_destroy(&attributes) }
    var started: [pthread_t] = []
    for _ in 1..<max(1, count) {
      let work = Unmanaged.passRetained(Work(body: body))
      var thread = pthread_t()
      let status = pthread_create(
        &thread, &attributes,
        { context in
          guard let context else { return nil }
          Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
          return nil
        }, work.toOpaque())
      guard status == 0 else {
        work.release()
        break
      }
      started.append(thread)
    }
    body()
    for thread in started { pthread_join(thread, nil) }
  }
}

private final class Work: Sendable {
  let body: @Sendable () -> Void

  init(body: @escaping @Sendable () -> Void) { self.body = body }
}
