/// A remark that goes to the user and into the record of the run.
///
/// It may hold names from other people's files and what plugins say, so its text is shown as ``oneLine(_:)`` does.
package struct Note: Sendable, Hashable {
  package let severity: Severity
  package let text: String

  package init(severity: Severity, text: String) {
    self.severity = severity
    self.text = oneLine(text)
  }

  package enum Severity: String, Sendable, CaseIterable {
    case info, warning
  }

  package static func info(_ text: String) -> Note { Note(severity: .info, text: text) }
  package static func warning(_ text: String) -> Note { Note(severity: .warning, text: text) }
}
