import Diagnostics

/// One line of an explanation: a value, and whether it was set explicitly.
struct ExplainedValue: Sendable {
  var location: Location
  var value: String
  var isDefault = false
  /// What the value means, if the language can tell.
  var meaning: String?

  /// The lines of `decisions`, the values in one column.
  static func lines(_ decisions: [ExplainedValue], columns: Int) -> String {
    var facts = Facts()
    for decision in decisions {
      let source = decision.isDefault ? " (default)" : ""
      let meaning = decision.meaning.map { ": \($0)" } ?? ""
      facts.add(decision.location.path, decision.value + source + meaning)
    }
    return facts.text(columns: columns) + "\n"
  }
}
