import CluesPluginABI
import PluginHost

extension Check {
  /// The forms in which matrices are passed.
  static let numbers: [Check] = [
    .entry(
      "dtypes", "A merge works in every dtype that it declares, and refuses the others with CLUES_UNSUPPORTED.",
      of: [.mergeMethod], advice: "check the dtype of inputs and output before reading their elements"
    ) { plugin in
      guard case .method(let table) = plugin.entry.tables, table.pointee.merge != nil else {
        return .skipped("it gives coefficients only")
      }
      if let idleness = plugin.idleness { return idleness }
      let reference = plugin.perform()
      for (dtype, name, tolerance) in [
        (CLUES_F64, "float64", 1e-5), (CLUES_F16, "float16", 0.02), (CLUES_BF16, "bfloat16", 0.1),
        (clues_dtype(77), "an unknown dtype", 0),
      ] {
        let outcomes = plugin.perform { $0.dtype = dtype }
        let isDeclared = dtype.rawValue < 32 && table.pointee.dtypes & (1 << dtype.rawValue) != 0
        if isDeclared {
          guard outcomes.contains(where: { $0.call == "merge" && $0.isDone }) else {
            let answer = outcomes.first { !$0.isDone }?.answer ?? "nothing"
            return .failed("declares \(name) and answers \(answer)")
          }
          let pairs = zip(reference, outcomes).filter { $0.0.call == "merge" }
          // Inputs are rounded, so a method that chooses by magnitude may choose differently here and there.
          if let pair = pairs.first(where: { !$0.1.isClose(to: $0.0, within: tolerance) }) {
            return .warning("\(pair.1.name) in \(name) is not close to its result in float32")
          }
        } else if let outcome = outcomes.first(where: {
          ["merge", "survey"].contains($0.call) && $0.status != CLUES_UNSUPPORTED.rawValue
        }) {
          let rest = outcome.isDone ? "reads the elements as another type" : "answers \(outcome.answer)"
          return .failed("does not declare \(name), and \(outcome.call) \(rest) instead of CLUES_UNSUPPORTED")
        }
      }
      return .success
    },
    .entry(
      "strides", "A merge of matrices that are not contiguous is correct, or is refused.",
      of: [.mergeMethod], advice: "use the strides, or refuse tensors without CLUES_TENSOR_CONTIGUOUS"
    ) { plugin in
      guard case .method(let table) = plugin.entry.tables, table.pointee.merge != nil else {
        return .skipped("it gives coefficients only")
      }
      if let idleness = plugin.idleness { return idleness }
      let reference = plugin.perform { $0.outputFill = 0x3A }.filter { $0.call == "merge" }
      for layout in [CallScript.Layout.spaced, .transposed] {
        let outcomes = plugin.perform { ($0.layout, $0.outputFill) = (layout, 0x3A) }.filter { $0.call == "merge" }
        for (mine, right) in zip(outcomes, reference) where mine.isDone {
          if mine.values.spoilt != nil { return .failed("\(mine.name) writes into the gaps") }
          guard mine.isClose(to: right, within: 1e-6) else {
            return .failed("\(mine.name) reads the elements as if they were contiguous")
          }
        }
      }
      return .success
    },
    .entry(
      "ranks", "A merge of tensors that are not matrices is refused or works, without a crash.",
      of: [.mergeMethod], advice: "check rank before shape, and answer CLUES_UNSUPPORTED",
      crash: "it reads more of the shape than there is"
    ) { plugin in
      guard case .method(let table) = plugin.entry.tables, table.pointee.merge != nil else {
        return .skipped("it gives coefficients only")
      }
      if let idleness = plugin.idleness { return idleness }
      for rank in [0, 1, 3, 8] as [UInt32] {
        _ = plugin.perform(in: plugin.testHost(watch: .guardsBehind)) { ($0.rank, $0.rows, $0.columns) = (rank, 1, 1) }
      }
      return .success
    },
    .work(
      "sizes", "Empty matrices, single elements, and odd or unequal sizes do not crash it.",
      advice: "loop over the extents that are given; there may be no rows, no columns, no samples, one client"
    ) { plugin in
      let sizes = [(0, 0), (0, 5), (5, 0), (1, 1), (1, 9), (9, 1), (3, 7), (17, 33), (64, 64)]
      var refusals: [String] = []
      for (rows, columns) in sizes {
        // A gradient always has elements.
        let columns = plugin.entry.about.kind == .scorer ? max(columns, 1) : columns
        for outcome in plugin.perform({ ($0.rows, $0.columns) = (rows, columns) }) where !outcome.isDone {
          refusals.append("\(outcome.name) answers \(outcome.answer)")
        }
      }
      _ = plugin.perform { $0.domains = [] }
      if plugin.entry.about.kind == .thresholdRule { _ = plugin.perform { $0.inputCount = 0 } }
      return refusals.first.map { .success("refuses some: \($0)") } ?? .success
    },
    .work(
      "unknown-values", "Spaces, parts and splits that it does not know are refused with CLUES_UNSUPPORTED.",
      advice: "end every switch over an enumeration with a default that answers CLUES_UNSUPPORTED"
    ) { plugin in
      func taken(_ what: String, _ calls: [String], _ change: (inout CallScript) -> Void) -> Finding? {
        let outcome = plugin.perform(change).first {
          calls.contains($0.call) && $0.status != CLUES_UNSUPPORTED.rawValue
        }
        return outcome.map {
          .failed("\($0.call) answers \($0.answer) to \(what) that it cannot know, instead of CLUES_UNSUPPORTED")
        }
      }
      switch plugin.entry.about.kind {
      case .mergeMethod:
        let calls = ["coefficients", "merge", "survey"]
        return taken("a space", calls) { $0.space = clues_space(1 << 20) }
          ?? taken("a part", calls) { $0.part = clues_part(77) } ?? .success
      case .thresholdRule: return taken("a split", ["decide"]) { $0.split = clues_split(77) } ?? .success
      case .scorer:
        // Few scorers read splits, so it only has to survive.
        _ = plugin.perform { $0.split = clues_split(77) }
        return .success
      }
    },
  ]
}
