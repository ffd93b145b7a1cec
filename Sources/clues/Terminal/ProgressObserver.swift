import Diagnostics
import Foundation
import Synchronization

/// Shows how far a run is, and what it has to say.
///
/// The stage's own threads only count; another one looks at the count ten times a second, so that a run is not slowed
/// down by being watched, and the time goes on while a long step is under way.
final class ProgressObserver: Observer {
  private struct Watch {
    var stage: (stage: RunStage, total: Int?, start: ContinuousClock.Instant)?
    var display: any ProgressDisplay
    var isTicking = false
    var figures: [StageFigure] = []
  }

  private let done = Atomic<Int>(0)
  private let watch: Mutex<Watch>

  init(_ display: some ProgressDisplay) { watch = Mutex(Watch(display: display)) }

  func begin(_ stage: RunStage, total: Int?) {
    done.store(0, ordering: .relaxed)
    let starts = watch.withLock { watch in
      watch.stage = (stage, total, .now)
      watch.figures = []
      watch.display.begin(meter(watch)!)
      defer { watch.isTicking = true }
      return !watch.isTicking
    }
    guard starts else { return }
    let thread = Thread { [weak self] in
      while true {
        Thread.sleep(forTimeInterval: 0.1)
        guard let self else { return }
        tick()
      }
    }
    thread.start()
  }

  func advance(_ stage: RunStage, by amount: Int) { done.add(amount, ordering: .relaxed) }

  func end(_ stage: RunStage) {
    watch.withLock { watch in
      guard let meter = meter(watch) else { return }
      watch.stage = nil
      watch.display.end(meter)
    }
  }

  func show(_ figures: [StageFigure]) { watch.withLock { $0.figures = figures } }

  func note(_ note: Note) { Console.note(note) }

  private func tick() {
    watch.withLock { watch in
      guard let meter = meter(watch) else { return }
      watch.display.tick(meter)
    }
  }

  private func meter(_ watch: borrowing Watch) -> StageMeter? {
    guard let (stage, total, start) = watch.stage else { return nil }
    return StageMeter(
      stage: stage, total: total, done: done.load(ordering: .relaxed), seconds: (.now - start) / .seconds(1),
      figures: watch.figures)
  }
}

/// What is made of a stage's progress; `tick` comes ten times a second.
protocol ProgressDisplay: Sendable {
  mutating func begin(_ meter: StageMeter)
  mutating func tick(_ meter: StageMeter)
  mutating func end(_ meter: StageMeter)
}

/// Nothing.
struct NoProgress: ProgressDisplay {
  func begin(_ meter: StageMeter) {}
  func tick(_ meter: StageMeter) {}
  func end(_ meter: StageMeter) {}
}

/// One line that is drawn over itself, and one that stays for every stage that is over.
struct LiveProgress: ProgressDisplay {
  let isPainted: Bool
  let isUnicode: Bool

  // A stage that is over before the first tick has nothing to draw.
  func begin(_ meter: StageMeter) {}

  func tick(_ meter: StageMeter) {
    Screen.standardError.show { meter.line(width: $0, isPainted: isPainted, isUnicode: isUnicode) }
  }

  func end(_ meter: StageMeter) {
    Screen.standardError.clear()
    Screen.standardError.print(meter.endText)
  }
}

/// A line when a stage begins and one when it ends; in between one for every tenth, but not within ten seconds of the
/// last line, and one a minute in any case.
struct PlainProgress: ProgressDisplay {
  private var lastTime = 0.0
  private var lastTenth = 0

  mutating func begin(_ meter: StageMeter) {
    (lastTime, lastTenth) = (0, 0)
    Screen.standardError.print(meter.beginText)
  }

  mutating func tick(_ meter: StageMeter) {
    guard isDue(meter) else { return }
    Screen.standardError.print(meter.progressText)
  }

  mutating func isDue(_ meter: StageMeter) -> Bool {
    let tenth = Int((meter.fraction ?? 0) * 10)
    let wait = meter.seconds - lastTime
    guard wait >= 60 || (wait >= 10 && tenth > lastTenth) else { return false }
    (lastTime, lastTenth) = (meter.seconds, tenth)
    return true
  }

  mutating func end(_ meter: StageMeter) { Screen.standardError.print(meter.endText) }
}
