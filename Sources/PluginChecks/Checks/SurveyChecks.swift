import CluesPluginABI
import PluginHost

extension Check {
  /// Checks of methods that see the whole adapter first, or some rows at a time, and of the order of modules.
  static let surveying: [Check] = [
    .work(
      "module-order", "The order of the modules does not matter.",
      of: [.mergeMethod],
      advice: "let no unit depend on earlier ones; use survey passes for what depends on the whole adapter"
    ) { plugin in
      func byScene(_ outcomes: [Outcome]) -> [Outcome] {
        let kept = outcomes.filter { ["merge", "coefficients"].contains($0.call) }
        // Square modules would look the same; these differ in shape.
        return kept.enumerated().sorted { ($0.element.name, $0.offset) < ($1.element.name, $1.offset) }.map(\.element)
      }
      let (straight, reversed) = (byScene(plugin.perform()), byScene(plugin.perform { $0.reversesModules = true }))
      guard let difference = difference(straight, reversed) else { return .success }
      let isClose = zip(straight, reversed).allSatisfy { $0.isClose(to: $1, within: 1e-5) }
      return isClose
        ? .success("another order changes the last bits") : .failed("in another order of modules, \(difference)")
    },
    .entry(
      "survey", "All records of a survey have the same size, and modules that lack a client do not crash it.",
      of: [.mergeMethod], advice: "let survey_size depend only on parameters and the number of clients, and use index"
    ) { plugin in
      guard case .method(let table) = plugin.entry.tables, table.pointee.survey_passes > 0 else {
        return .skipped("it makes no survey")
      }
      if let idleness = plugin.idleness { return idleness }
      var sizes: [Double] = []
      for seed in 0..<3 as Range<UInt64> {
        sizes += plugin.perform { $0.seed &+= seed }.filter { $0.call == "survey_size" }.flatMap(\.values.numbers)
      }
      guard let size = sizes.first else { return .skipped("it is never asked for its size") }
      guard sizes.allSatisfy({ $0 == size }) else { return .failed("gives records of different sizes") }
      guard size <= Double(1 << 26) else { return .failed("wants records of \(size) bytes for three clients") }
      if plugin.entry.inputCount > plugin.entry.minimumInputCount {
        let outcomes = plugin.perform { $0.hasGaps = true }
        if let refused = outcomes.first(where: { !$0.isDone }) {
          return .success("if a client lacks a module, \(refused.name) answers \(refused.answer)")
        }
      }
      return .success(size == 0 ? "its default parameters need no survey" : "")
    },
    .work(
      "rows", "Rows merged a few at a time are equal to those of the whole.",
      of: [.mergeMethod], advice: "note everything that a row needs from others, and count entries from first_row on"
    ) { plugin in
      guard case .method(let table) = plugin.entry.tables, table.pointee.merge_rows != nil else {
        return .skipped("it merges whole matrices only")
      }
      let outcomes = plugin.perform()
      if let fault = unfinished(outcomes) { return .failed(fault) }
      let rows = outcomes.filter { $0.call == "merge_rows" }.flatMap(\.values.numbers)
      guard !rows.isEmpty else { return .skipped("its default parameters require whole matrices") }
      let whole = outcomes.filter { $0.call == "merge" }.flatMap(\.values.numbers)
      guard rows.count == whole.count else { return .failed("does not merge all rows") }
      let place = rows.indices.first { rows[$0].bitPattern != whole[$0].bitPattern }
      return place.map { .failed("by rows it gives \(rows[$0]) instead of \(whole[$0])") } ?? .success
    },
    .work(
      "read-rows",
      "Notes of inputs whose rows must be read are those of the whole, and errors of reading are passed on.",
      of: [.mergeMethod], advice: "read only rows of the input that is noted, and return whatever status read returns"
    ) { plugin in
      guard case .method(let table) = plugin.entry.tables, table.pointee.flags & CLUES_MERGE_READS_ROWS.rawValue != 0
      else { return .skipped("it reads no rows by itself") }
      let whole = plugin.perform().filter { $0.call == "merge_rows" }
      guard !whole.isEmpty else { return .skipped("its default parameters require whole matrices") }
      let read = plugin.perform { $0.reading = .works }
      if let refused = read.first(where: { !$0.isDone }) {
        return .failed("if rows must be read, \(refused.name) answers \(refused.answer)")
      }
      if let difference = difference(whole, read.filter { $0.call == "merge_rows" }) {
        return .failed("if rows must be read, \(difference)")
      }
      // A note that needs no rows of its input reads none.
      let ignoring = plugin.perform { $0.reading = .fails }
        .first { $0.call == "note" && $0.isDone && $0.values.numbers != [0] }
      return ignoring.map { .failed("\($0.name) answers CLUES_OK although its rows cannot be read") } ?? .success
    },
  ]
}
