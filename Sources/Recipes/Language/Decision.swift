/// One line of an explanation: what was decided, and whether somebody wrote it down.
struct Decision: Sendable {
  var place: Place
  var value: String
  var isDefault = false
  /// What the value means, where the language can tell.
  var meaning: String?

  /// The lines of `decisions`, the values in one column.
  static func lines(_ decisions: [Decision]) -> String {
    let width = decisions.map(\.place.path.count).max() ?? 0
    return decisions.map { decision in
      let gap = String(repeating: " ", count: width - decision.place.path.count + 2)
      let source = decision.isDefault ? " (default)" : ""
      let meaning = decision.meaning.map { ": \($0)" } ?? ""
      return decision.place.path + gap + decision.value + source + meaning + "\n"
    }.joined()
  }
}
