import Foundation
import Synchronization
import Workbench

/// Shows progress on standard error: one line that is drawn over itself on a terminal, one line a stage elsewhere.
final class TerminalObserver: Observer {
  private struct State {
    var total = 0
    var done = 0
    var drawn: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let isInteractive = Console.isInteractive

  func begin(_ stage: Stage, total: Int) {
    state.withLock { $0 = State(total: total) }
    draw(stage, force: true)
  }

  func advance(_ stage: Stage) {
    state.withLock { $0.done += 1 }
    draw(stage, force: false)
  }

  func end(_ stage: Stage) {
    let total = state.withLock { $0.total }
    let line = "\(stage.label): \(total) \(stage.unit(total))"
    Console.write((isInteractive ? "\r\u{1B}[2K" : "") + line + "\n", to: .standardError)
  }

  func note(_ note: Note) {
    let mark = note.severity == .warning ? "warning" : "note"
    Console.error("\(mark): \(note.text)")
  }

  private func draw(_ stage: Stage, force: Bool) {
    guard isInteractive else { return }
    let line = state.withLock { state -> String? in
      let now = ContinuousClock.now
      if !force, let drawn = state.drawn, now - drawn < .milliseconds(100) { return nil }
      state.drawn = now
      return "\(stage.label): \(state.done) of \(state.total) \(stage.unit(state.total))"
    }
    if let line { Console.write("\r\u{1B}[2K" + line, to: .standardError) }
  }
}

extension Stage {
  fileprivate var label: String { rawValue }

  fileprivate func unit(_ count: Int) -> String {
    let noun =
      switch self {
      case .opening: "bundle"
      case .scoring, .merging: "step"
      case .writing: "run"
      }
    return count == 1 ? noun : noun + "s"
  }
}
