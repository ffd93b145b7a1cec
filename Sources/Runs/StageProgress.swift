import Diagnostics
import Synchronization

/// The packing of an archive, whose writer reports its progress once it has begun.
final class PackingProgress: Sendable {
  private let observer: any Observer
  // Locked because packing reports from its own thread.
  private let written = Mutex<Int?>(nil)

  init(_ observer: any Observer) { self.observer = observer }

  /// - throws: ``Failure`` `interrupted` once the user has asked to stop.
  func reach(_ done: Int, of total: Int) throws {
    try Interruption.check()
    let before = written.withLock { written in
      defer { written = done }
      return written
    }
    if before == nil { observer.begin(.packing, total: total) }
    observer.advance(.packing, by: done - (before ?? 0))
  }

  func end() { if written.withLock({ $0 != nil }) { observer.end(.packing) } }
}

/// A part of a stage that knows its progress, and reports it to the observer.
final class StageProgress: Sendable {
  private let observer: any Observer
  private let stage: RunStage
  private let total: Int
  // Locked because every thread of the stage reports its progress.
  private let state = Mutex((advanced: 0, reported: 0))

  /// - parameter total: The size of this part, in the stage's unit.
  init(of stage: RunStage, total: Int, _ observer: any Observer) {
    self.observer = observer
    self.stage = stage
    self.total = total
  }

  /// This much of the part is done; anything beyond its total does not count, nor does a step back.
  func reach(_ done: Int) {
    let due = min(done, total)
    let step = state.withLock { state in
      defer { state.reported = max(due, state.reported) }
      return due - state.reported
    }
    if step > 0 { observer.advance(stage, by: step) }
  }

  /// This much more of the part is done.
  func advance(by amount: Int) {
    reach(
      state.withLock { state in
        state.advanced += amount
        return state.advanced
      })
  }

  /// The same as a fraction of the part.
  func reach(fraction: Double) { reach(Int(fraction * Double(total))) }

  /// The part is done, whatever was reported before.
  func finish() { reach(total) }
}
