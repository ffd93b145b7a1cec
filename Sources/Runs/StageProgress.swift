import Diagnostics
import Synchronization

/// The packing of an archive, whose writer says how far it is once it has begun.
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

/// A part of a stage that knows how far it is, and tells the observer how much that adds.
final class StageProgress: Sendable {
  private let observer: any Observer
  private let stage: RunStage
  private let total: Int
  // Locked because every thread of the stage reports its progress.
  private let state = Mutex((advanced: 0, reported: 0))

  /// - parameter total: How much of the stage this part is, in the stage's unit.
  init(of stage: RunStage, total: Int, _ observer: any Observer) {
    self.observer = observer
    self.stage = stage
    self.total = total
  }

  /// So much of the part is done; what goes beyond its total does not count, nor does a step back.
  func reach(_ done: Int) {
    let due = min(done, total)
    let step = state.withLock { state in
      defer { state.reported = max(due, state.reported) }
      return due - state.reported
    }
    if step > 0 { observer.advance(stage, by: step) }
  }

  /// So much more of the part is done.
  func advance(by amount: Int) {
    reach(
      state.withLock { state in
        state.advanced += amount
        return state.advanced
      })
  }

  /// The same as a fraction of the part.
  func reach(fraction: Double) { reach(Int(fraction * Double(total))) }

  /// The part is done, whatever it said before.
  func finish() { reach(total) }
}
