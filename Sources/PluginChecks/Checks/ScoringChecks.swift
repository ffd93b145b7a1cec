import CluesPluginABI
import PluginHost

extension Check {
  /// What is asked of scorers alone.
  static let scoring: [Check] = [
    .entry(
      "needs", "A scorer lists the ways to come by its scores, always the same, and comes to an end.",
      of: [.scorer], advice: "answer CLUES_UNSUPPORTED, without a text, where there is no such alternative"
    ) { specimen in
      guard case .scorer(let table) = specimen.entry.tables else { return .success }
      if let refusal = specimen.refusal { return .skipped("no parameters were found that it takes: \(refusal)") }
      var answers: [[Needs]] = []
      for _ in 0..<2 {
        let lab = specimen.lab()
        specimen.entry.withInstance(specimen.parameters, lab) { instance in
          answers.append(specimen.entry.needs(of: table.pointee, instance, lab))
          answers.append(specimen.entry.needs(of: table.pointee, instance, lab))
        }
      }
      guard let first = answers.first, !first.isEmpty else { return .failed("lists no way to come by its scores") }
      guard first.count <= 64 else { return .failed("lists more than 64 ways to come by its scores") }
      guard answers.allSatisfy({ $0 == first }) else { return .failed("does not list the same needs every time") }
      for (place, needs) in first.enumerated() {
        if !Evidence(rawValue: needs.evidence).isSubset(of: .all) {
          return .warning("alternative \(place) asks for evidence that this host does not know, so it is never taken")
        }
        if needs.has(CLUES_EVIDENCE_GRADIENTS), needs.passes == 0 {
          return .failed("alternative \(place) needs gradients in 0 passes, so it never sees one")
        }
        if needs.columns.contains("") { return .failed("alternative \(place) does not name a column") }
      }
      return .success
    },
    .work(
      "row-blocks", "Gradients in blocks of any number of rows give the same scores.",
      of: [.scorer], advice: "use first_sample and row_count, and keep sums by sample"
    ) { specimen in
      let whole = specimen.perform { ($0.rows, $0.blockRows) = (17, 17) }.filter(\.isScores)
      guard specimen.perform().contains(where: { $0.call == "update" }) else { return .skipped("it sees no gradients") }
      var isExact = true
      for rows in [1, 7] {
        let parts = specimen.perform { ($0.rows, $0.blockRows) = (17, rows) }.filter(\.isScores)
        guard let difference = difference(whole, parts) else { continue }
        isExact = false
        guard whole.count == parts.count, zip(whole, parts).allSatisfy({ $0.isClose(to: $1, within: 1e-9) }) else {
          return .failed("in blocks of \(rows) rows, \(difference)")
        }
      }
      return isExact ? .success : .success("the size of blocks changes the last bits")
    },
  ]
}

extension Outcome {
  fileprivate var isScores: Bool { ["end_checkpoint", "finish", "score_clients"].contains(call) }
}
