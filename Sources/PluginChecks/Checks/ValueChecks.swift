import CluesPluginABI
import PluginHost

extension Check {
  /// How an entry handles its data.
  static let values: [Check] = [
    .work(
      "not-finite", "NaN, infinities, denormals and the largest numbers do not crash it.",
      advice: "never convert a floating-point number to an index without checking that it is in range"
    ) { plugin in
      for offset in 0..<4 {
        _ = plugin.perform {
          $0.values = .strange
          $0.seed &+= UInt64(offset)
        }
      }
      return .success
    },
    .work(
      "names", "Clients, modules and samples may have any names.",
      advice: "names are UTF-8 of any length, or empty: never copy them into an array of fixed size"
    ) { plugin in
      _ = plugin.perform { $0.namesAreHostile = true }
      return .success
    },
    .work(
      "zeros", "Zeros give numbers, or are refused with a reason.",
      advice: "check what you divide by"
    ) { plugin in
      let outcomes = plugin.perform { $0.values = .zeros }
      return unfinished(outcomes).map { .failed("with zeros, \($0)") } ?? .success
    },
    .work(
      "finite", "Finite inputs give finite results.",
      advice: "check what you divide by, and give samples without a score a reason"
    ) { plugin in
      return unfinished(plugin.perform()).map { .failed($0) } ?? .success
    },
    .entry(
      "one-input", "One input of weight 1 is returned unchanged, unless the parameters drop something.",
      of: [.mergeMethod], advice: "see the laws in Documentation/PluginABI.md"
    ) { plugin in
      guard case .method(let table) = plugin.entry.tables, table.pointee.minimum_inputs <= 1 else {
        return .skipped("it needs several inputs")
      }
      if let idleness = plugin.idleness { return idleness }
      let parameters = plugin.parameters.map { parameter in
        var parameter = parameter
        parameter.numbers = Array(parameter.numbers.prefix(1))
        return parameter
      }
      let outcomes = plugin.perform { ($0.inputCount, $0.parameters) = (1, parameters) }
      if let fault = unfinished(outcomes) { return .failed("with one input, \(fault)") }
      let refused = outcomes.first { !$0.isDone }
      if let refused { return .success("refuses one input: \(refused.answer)") }
      if let other = outcomes.first(where: { $0.call == "coefficients" })?.values.numbers.first, abs(other - 1) > 1e-9 {
        return .success("one input comes back as \(other) times itself, as its parameters may require")
      }
      for outcome in outcomes where outcome.call == "merge" {
        let (before, after) = (outcome.values.input, outcome.values.numbers)
        if let index = before.indices.first(where: { abs(before[$0] - after[$0]) > 1e-5 }) {
          return .success("\(before[index]) comes back as \(after[index]), as its parameters may require")
        }
      }
      return .success
    },
    .work(
      "input-order", "The order in which the host lists the inputs does not matter.",
      of: [.mergeMethod], advice: "sum in the order of the clients' names, or say in the description that order matters"
    ) { plugin in
      let count = plugin.entry.inputCount
      guard count > 1 else { return .skipped("it accepts only one input") }
      let reversed = plugin.perform { $0.order = Array((0..<count).reversed()) }
      let straight = plugin.perform()
      guard difference(straight, reversed) != nil else { return .success }
      let isClose = zip(straight, reversed).allSatisfy { $0.isClose(to: $1, within: 1e-5) }
      return isClose
        ? .success("another order of the inputs changes the last bits")
        : .warning("another order of the inputs gives a different result")
    },
    .entry(
      "by-chance",
      "Random sizes, weights, values and parameters do not crash it, and give the same bits when repeated.",
      advice: "repeat it with the seed that is printed, under a debugger if need be"
    ) { plugin in
      if let refusal = plugin.refusal { return .skipped("no parameters were found that it accepts: \(refusal)") }
      for round in 0..<12 {
        var draw = Draw(seed: plugin.seed, "round \(round) of \(plugin.entry.about.id)")
        var script = plugin.script
        script.seed = draw.word()
        (script.rows, script.columns) = (draw.integer(in: 0...24), draw.integer(in: 1...24))
        script.blockRows = draw.integer(in: 1...8)
        script.values = draw.element(of: [.ordinary, .ordinary, .strange, .zeros])
        script.weights = (0..<script.inputCount).map { _ in draw.element(of: [1, 0, 0.5, -1, 3]) }
        // Hosts pass no module that fewer clients have than the method needs.
        script.hasGaps = draw.integer(in: 0...3) == 0 && script.inputCount > plugin.entry.minimumInputCount
        let (first, second) = (plugin.testHost(), plugin.testHost())
        plugin.entry.perform(script, in: first)
        plugin.entry.perform(script, in: second)
        if let difference = difference(first.outcomes, second.outcomes) {
          return .failed("round \(round), repeated: \(difference)")
        }
      }
      return .success
    },
  ]
}

/// The first result that is not a finite number and has no reason for it.
func unfinished(_ outcomes: [Outcome]) -> String? {
  for outcome in outcomes where outcome.isDone && !["survey", "combine"].contains(outcome.call) {
    for (index, number) in outcome.values.numbers.enumerated() where !number.isFinite {
      if outcome.values.reasons.indices.contains(index), outcome.values.reasons[index] != nil { continue }
      return "\(outcome.name) gives \(number) at place \(index)"
    }
  }
  return nil
}
