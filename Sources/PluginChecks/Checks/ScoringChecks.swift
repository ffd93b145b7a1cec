import CluesPluginABI
import PluginHost

extension Check {
  /// Checks of scorers only.
  static let scoring: [Check] = [
    .entry(
      "needs", "A scorer lists a finite number of ways to compute its scores, always the same.",
      of: [.scorer], advice: "answer CLUES_UNSUPPORTED, without a text, if there is no such alternative"
    ) { plugin in
      guard case .scorer(let table) = plugin.entry.tables else { return .success }
      if let refusal = plugin.refusal { return .skipped("no parameters were found that it accepts: \(refusal)") }
      var answers: [[ScorerNeeds]] = []
      for _ in 0..<2 {
        let testHost = plugin.testHost()
        plugin.entry.withInstance(plugin.parameters, testHost) { instance in
          answers.append(plugin.entry.needs(of: table.pointee, instance, testHost))
          answers.append(plugin.entry.needs(of: table.pointee, instance, testHost))
        }
      }
      guard let first = answers.first, !first.isEmpty else { return .failed("lists no way to compute its scores") }
      guard first.count <= 64 else { return .failed("lists more than 64 ways to compute its scores") }
      guard answers.allSatisfy({ $0 == first }) else { return .failed("does not list the same needs every time") }
      for (index, needs) in first.enumerated() {
        if !needs.evidence.isSubset(of: .all) {
          return .warning("alternative \(index) asks for evidence that this host does not know, so it is never used")
        }
        if needs.evidence.contains(.gradients), needs.passes == 0 {
          return .failed("alternative \(index) needs gradients in 0 passes, so it never sees one")
        }
        if needs.columns.contains("") { return .failed("alternative \(index) does not name a column") }
      }
      return .success
    },
    .work(
      "row-blocks", "Gradients in blocks of any number of rows give the same scores.",
      of: [.scorer], advice: "use first_sample and row_count, and keep sums by sample"
    ) { plugin in
      let whole = plugin.perform { ($0.rows, $0.blockRows) = (17, 17) }.filter(\.isScores)
      guard plugin.perform().contains(where: { $0.call == "update" }) else { return .skipped("it sees no gradients") }
      var isExact = true
      for rows in [1, 7] {
        let parts = plugin.perform { ($0.rows, $0.blockRows) = (17, rows) }.filter(\.isScores)
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
