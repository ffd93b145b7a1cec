import CluesPluginABI
import Diagnostics
import Foundation
import PluginHost
import Threads

extension Check {
  /// How instances coexist, and what hosts may be like.
  static let life: [Check] = [
    .work(
      "larger-structs", "Structs with additional fields at the end change nothing.",
      advice: "compare struct_size only with >=, and read only the fields that you know"
    ) { plugin in
      let grown = plugin.perform(in: plugin.testHost(growsStructs: true))
      return difference(plugin.perform(), grown).map { .failed("with larger structs, \($0)") } ?? .success
    },
    .entry(
      "no-extensions", "It works if the host offers no extensions.",
      advice: "check whether extension returned null, and work without it"
    ) { plugin in
      let testHost = plugin.testHost()
      _ = plugin.perform(in: testHost)
      let asked = testHost.extensionsAskedFor.sorted().joined(separator: ", ")
      if let idleness = plugin.idleness {
        return asked.isEmpty ? idleness : .failed("it asks for \(asked), and without: \(idleness.message)")
      }
      return asked.isEmpty ? .success : .success("it asks for \(asked)")
    },
    .work(
      "repeatable", "The same inputs, seed and parameters give the same bits.",
      advice: "take random numbers only from random_words, and sum in a fixed order"
    ) { plugin in
      let first = plugin.perform()
      for _ in 0..<3 {
        if let difference = difference(first, plugin.perform()) { return .failed("repeated, \(difference)") }
      }
      return .success
    },
    .work(
      "interleaved", "Two instances that are used alternately do not affect each other.",
      advice: "keep mutable state in the instance, never in a global variable"
    ) { plugin in
      let seeds = [plugin.seed, plugin.seed &+ 1]
      let alone = seeds.map { seed in plugin.perform { $0.seed = seed } }
      let turns = Turns()
      let together = try inThreads(2) { lane in
        let testHost = plugin.testHost()
        testHost.turns = ({ turns.take(lane) }, { turns.pass(lane) })
        defer { turns.leave(lane) }
        return plugin.perform(in: testHost) { $0.seed = seeds[lane] }
      }
      for lane in 0..<2 {
        if let difference = difference(alone[lane], together[lane]) {
          return .failed("alongside another instance, \(difference)")
        }
      }
      return .success
    },
    .work(
      "threads", "Instances in several threads at once give the same results as each alone.",
      advice: "keep mutable state in the instance, never in a global variable"
    ) { plugin in
      let lanes = 4
      let alone = (0..<lanes).map { lane in plugin.perform { $0.seed &+= UInt64(lane) } }
      for _ in 0..<4 {
        let together = try inThreads(lanes) { lane in plugin.perform { $0.seed &+= UInt64(lane) } }
        for lane in 0..<lanes {
          if let difference = difference(alone[lane], together[lane]) {
            return .failed("alongside other threads, \(difference)")
          }
        }
      }
      return .success
    },
    .work(
      "cancellation", "Once is_cancelled returns true, a call returns within half a second, with CLUES_CANCELLED.",
      advice: "call is_cancelled every few milliseconds of work, and return CLUES_CANCELLED"
    ) { plugin in
      let clock = ContinuousClock()
      let testHost = plugin.testHost()
      let cancelled = clock.now + .milliseconds(2)
      var late: (time: Duration, call: Int)?
      var calls = 0
      testHost.isCancelled = { clock.now >= cancelled }
      var start = clock.now
      testHost.turns.before = { start = clock.now }
      testHost.turns.after = {
        let time = clock.now - max(start, cancelled)
        if time > (late?.time ?? .milliseconds(500)) { late = (time, calls) }
        calls += 1
      }
      let outcomes = plugin.perform(in: testHost) {
        ($0.rows, $0.columns, $0.blockRows) = (192, 160, 64)
        if case .method(let table) = plugin.entry.tables { $0.space = table.pointee.default_space }
      }
      if let late {
        return .warning(
          "\(outcomes[late.call].name) continues for \(milliseconds(late.time)) ms after it was cancelled")
      }
      let works = Set(plugin.perform().filter(\.isDone).map(\.call))
      let other = outcomes.first {
        !$0.isDone && $0.status != CLUES_CANCELLED.rawValue && works.contains($0.call)
      }
      return other.map { .warning("cancelled, \($0.name) answers \($0.answer) instead of CLUES_CANCELLED") } ?? .success
    },
    .entry(
      "error-text", "Every failure has a reason, in one sentence.",
      advice: "call host->set_error with one sentence before returning anything but CLUES_OK"
    ) { plugin in
      var outcomes: [Outcome] = []
      func watch(_ change: (inout CallScript) -> Void) { outcomes += plugin.perform(change) }
      watch { _ in }
      watch { $0.values = .zeros }
      watch { $0.dtype = clues_dtype(77) }
      watch { $0.layout = .spaced }
      watch { $0.rank = 3 }
      watch { ($0.space, $0.part) = (clues_space(1 << 20), clues_part(77)) }
      watch { $0.split = clues_split(77) }
      watch { $0.weights = (0..<$0.inputCount).map { _ in 0 } }
      var stranger = RawParameter("no-such-parameter", clues_parameter_type(99))
      stranger.text = "text"
      outcomes.append(plugin.entry.create(with: plugin.parameters + [stranger], in: plugin.testHost()))
      if let silent = outcomes.first(where: { !$0.isDone && ($0.text ?? "").isEmpty }) {
        return .failed("\(silent.name) answers \(silent.answer) and gives no reason")
      }
      if let unknown = outcomes.first(where: { $0.status > CLUES_INTERNAL.rawValue }) {
        return .failed("\(unknown.name) answers \(unknown.answer), which is not a status of the contract")
      }
      return .success
    },
  ]
}

/// Runs `body` in several threads at once; returns the result of each.
///
/// - throws: ``Failure`` `noResources` if the system cannot create as many; then `body` runs in none of them.
private func inThreads<Result: Sendable>(_ count: Int, _ body: @escaping (Int) -> Result) throws -> [Result] {
  // Written under the lock. A body is the checker's own, and gives each thread its own share of the work.
  nonisolated(unsafe) var results = [Result?](repeating: nil, count: count)
  nonisolated(unsafe) let body = body
  let lock = NSLock()
  // Those that take turns wait for each other, so none may begin before all exist.
  let isComplete = Gate()
  let threads = (0..<count).compactMap { lane in
    SystemThread {
      guard isComplete.answer() else { return }
      let result = body(lane)
      lock.withLock { results[lane] = result }
    }
  }
  isComplete.open(threads.count == count)
  for thread in threads { thread.join() }
  guard threads.count == count else {
    throw Failure(.noResources, "the system cannot create the \(count) threads that this needs at once")
  }
  return lock.withLock { results.compactMap(\.self) }
}

/// Threads wait here until they may continue.
private final class Gate: @unchecked Sendable {
  // Unchecked because the answer is only accessed under the condition's lock.
  private let condition = NSCondition()
  private var isAllowed: Bool?

  func open(_ isAllowed: Bool) {
    condition.withLock {
      self.isAllowed = isAllowed
      condition.broadcast()
    }
  }

  func answer() -> Bool {
    condition.withLock {
      while isAllowed == nil { condition.wait() }
      return isAllowed!
    }
  }
}

/// Lets two threads take turns until one of them is done.
private final class Turns: @unchecked Sendable {
  // Unchecked because all state is only accessed under the condition's lock.
  private let condition = NSCondition()
  private var lane = 0
  private var hasLeft: Set<Int> = []

  func take(_ mine: Int) {
    condition.lock()
    while lane != mine, !hasLeft.contains(1 - mine) { condition.wait() }
    condition.unlock()
  }

  func pass(_ mine: Int) {
    condition.lock()
    lane = 1 - mine
    condition.broadcast()
    condition.unlock()
  }

  func leave(_ mine: Int) {
    condition.lock()
    hasLeft.insert(mine)
    lane = 1 - mine
    condition.broadcast()
    condition.unlock()
  }
}
