import Diagnostics
import Synchronization

/// Hears what a step's own work says: how far it is becomes a part of the experiment's progress, its warnings are kept, and
/// the rest is for nobody, since several steps are at work at once.
final class StepProgress: Observer {
  private let parent: any Observer
  private let cost: Int
  // Locked because the threads of a step report from any of them.
  private let state = Mutex(State())

  fileprivate struct State {
    var stage: (stage: RunStage, total: Int)?
    var done = 0
    var reported = 0
    var warnings: [String] = []
  }

  init(_ parent: any Observer, cost: Int) { (self.parent, self.cost) = (parent, cost) }

  var warnings: [String] { state.withLock { $0.warnings } }

  func begin(_ stage: RunStage, total: Int?) {
    guard let total, total > 0, [.training, .capturing, .measuring].contains(stage) else { return }
    state.withLock { ($0.stage, $0.done) = ((stage, total), 0) }
  }

  func advance(_ stage: RunStage, by amount: Int) {
    let more = state.withLock { state -> Int in
      guard let current = state.stage, current.stage == stage else { return 0 }
      state.done += amount
      return state.reach(cost * min(state.done, current.total) / current.total)
    }
    if more > 0 { parent.advance(.experimenting, by: more) }
  }

  func end(_ stage: RunStage) {}

  func note(_ note: Note) {
    guard note.severity == .warning else { return }
    state.withLock { if $0.warnings.count < 20, !$0.warnings.contains(note.text) { $0.warnings.append(note.text) } }
  }

  /// The step is done.
  func finish() {
    let more = state.withLock { $0.reach(cost) }
    if more > 0 { parent.advance(.experimenting, by: more) }
  }
}

extension StepProgress.State {
  /// How much further this is.
  fileprivate mutating func reach(_ place: Int) -> Int {
    defer { reported = max(reported, place) }
    return max(0, place - reported)
  }
}
