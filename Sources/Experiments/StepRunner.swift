import Diagnostics
import Files
import JSON
import Synchronization
import SystemPackage
import Threads

/// A step and what does it.
struct StepTask: Sendable {
  let step: Step
  /// Whether all is there that is asked of it, if it was done before.
  let isWhole: @Sendable () -> Bool
  /// Writes into the step's folder, which is there, and returns what came of it. What an interrupted one left there is
  /// still there.
  let work: @Sendable (_ observer: any Observer, _ threads: Int) throws -> JSONObject

  /// Removes what nobody needs once it is done.
  let tidy: @Sendable () -> Void

  init(
    step: Step, isWhole: @escaping @Sendable () -> Bool = { true }, tidy: @escaping @Sendable () -> Void = {},
    work: @escaping @Sendable (_ observer: any Observer, _ threads: Int) throws -> JSONObject
  ) {
    (self.step, self.isWhole, self.work, self.tidy) = (step, isWhole, work, tidy)
  }
}

/// Does steps, those that do not wait for each other at the same time.
///
/// A training has little to do between two steps of the optimizer that threads could share, and most of an experiment's steps
/// do not wait for each other: so several are done at once, each with its part of the threads. Those that are left over when
/// there are fewer than that are done one after the other, each with all threads.
final class StepRunner: Sendable {
  private let observer: any Observer
  private let threads, jobs, most: Int
  private let limits: Limits
  // Locked because steps end in any thread.
  private let state: Mutex<State>

  private struct State {
    var total: Int
    var skipped = 0
    var hasBegun = false
    var done = 0
    var kept = 0
    var warnings: [String] = []
  }

  /// - parameters:
  ///   - most: How many steps there are; fewer where some are equal.
  ///   - total: How much work they are.
  init(_ observer: any Observer, threads: Int, jobs: Int, most: Int, total: Int, limits: Limits) {
    self.most = most
    (self.observer, self.threads, self.jobs, self.limits) = (observer, threads, max(1, min(jobs, threads)), limits)
    state = Mutex(State(total: total))
  }

  /// What the steps warned of.
  var warnings: [String] { state.withLock { $0.warnings } }

  func finish() { if state.withLock({ $0.hasBegun }) { observer.end(.experimenting) } }

  /// Does those that are not done yet; of equal ones one.
  ///
  /// - returns: What came of each.
  func outcomes(of tasks: [StepTask]) throws -> [JSONObject] {
    var known: [String: JSONObject] = [:]
    var due: [StepTask] = []
    var seen: Set<String> = []
    for task in tasks where seen.insert(task.step.key).inserted {
      if let outcome = try task.step.outcome(limits), task.isWhole() {
        known[task.step.key] = outcome
      } else {
        due.append(task)
      }
    }
    begin(skipping: tasks.reduce(0) { $0 + $1.step.cost } - due.reduce(0) { $0 + $1.step.cost }, isWork: !due.isEmpty)
    state.withLock { $0.kept += known.count }
    let (all, together) = (due, due.count / jobs * jobs)
    let first = try inParallel(together, threads: jobs) { place in
      try carryOut(all[place], threads: max(1, threads / jobs))
    }
    let rest = try all[together...].map { try carryOut($0, threads: threads) }
    for (task, outcome) in zip(due, first + rest) { known[task.step.key] = outcome }
    let found = try tasks.map { task in
      guard let outcome = known[task.step.key] else {
        throw Failure(.badData, "the step '\(task.step.title)' is missing")
      }
      return outcome
    }
    let warned = zip(tasks, found).flatMap { task, outcome in
      (outcome["warnings"]?.arrayValue?.compactMap(\.stringValue) ?? []).map { "\(task.step.title): \($0)" }
    }
    state.withLock { state in
      for text in warned where !state.warnings.contains(text) && state.warnings.count < 200 {
        state.warnings.append(text)
      }
    }
    return found
  }

  /// What is there already before the first step is no part of the work, so that the time left is that of the rest.
  private func begin(skipping cost: Int, isWork: Bool) {
    let (total, more) = state.withLock { state -> (Int?, Int) in
      if state.hasBegun { return (nil, cost) }
      state.skipped += cost
      guard isWork else { return (nil, 0) }
      state.hasBegun = true
      return (max(1, state.total - state.skipped), 0)
    }
    if let total { observer.begin(.experimenting, total: total) }
    if more > 0 { observer.advance(.experimenting, by: more) }
  }

  private func carryOut(_ task: StepTask, threads: Int) throws -> JSONObject {
    let step = task.step
    try check()
    try step.begin()
    let progress = StepProgress(observer, cost: step.cost)
    let start = ContinuousClock.now
    var outcome: JSONObject
    do {
      outcome = try task.work(progress, threads)
    } catch var failure as Failure {
      if failure.kind == .interrupted { throw Self.interrupted }
      failure.message = "\(step.title): \(failure.statement)"
      failure.plugin = nil
      throw failure
    }
    if !progress.warnings.isEmpty { outcome["warnings"] = JSONValue(progress.warnings) }
    let seconds = (.now - start) / .seconds(1)
    try step.finish(outcome, seconds: seconds)
    task.tidy()
    progress.finish()
    let count = state.withLock { state in
      state.done += 1
      return state.done + state.kept
    }
    observer.note(.info("step \(count) of at most \(most) done in \((seconds * 10).rounded() / 10) s: \(step.title)"))
    return outcome
  }

  private func check() throws { if Interruption.isPending { throw Self.interrupted } }

  private static let interrupted = Failure(
    .interrupted, "interrupted; the steps that are done stand", advice: "the same command goes on from there")
}
