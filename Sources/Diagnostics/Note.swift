/// A remark that goes to the user and into the record of the run.
///
/// It may contain names from other people's files and messages of plugins, so it is displayed with ``oneLine(_:)``.
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
