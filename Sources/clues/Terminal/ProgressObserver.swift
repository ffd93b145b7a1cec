import Diagnostics
import Foundation
import Synchronization

/// Displays a run's progress and notes.
///
/// The stage's own threads only count; another thread reads the count ten times a second, so that displaying progress does not
/// slow down a run, and the time keeps running during a long step.
final class ProgressObserver: Observer {
  private struct Watch {
    var stage: (stage: RunStage, total: Int?, start: ContinuousClock.Instant)?
    var display: any ProgressDisplay
    var isTicking = false
    var figures: [StageFigure] = []
  }

  private let done = Atomic<Int>(0)
  // Locked because any thread of a stage may be the one that draws.
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

/// Displays a stage's progress; `tick` is called ten times a second.
protocol ProgressDisplay: Sendable {
  mutating func begin(_ meter: StageMeter)
  mutating func tick(_ meter: StageMeter)
  mutating func end(_ meter: StageMeter)
}

/// Displays nothing.
struct NoProgress: ProgressDisplay {
  func begin(_ meter: StageMeter) {}
  func tick(_ meter: StageMeter) {}
  func end(_ meter: StageMeter) {}
}

/// One line that is redrawn, and one that stays for every finished stage.
struct LiveProgress: ProgressDisplay {
  let isPainted: Bool
  let isUnicode: Bool

  // A stage that ends before the first tick has nothing to draw.
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
/// last line, and at least one per minute.
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
