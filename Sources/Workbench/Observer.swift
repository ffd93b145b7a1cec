/// Who watches a run: gets to know how far it is and what is worth saying.
public protocol Observer: Sendable {
  /// A stage begins; `total` is the number of its steps.
  func begin(_ stage: Stage, total: Int)

  /// One step of the stage is done; called from any thread.
  func advance(_ stage: Stage)

  func end(_ stage: Stage)

  /// Something that the user should know but that stops nothing.
  func note(_ note: Note)
}

/// The stages of a run, in order.
public enum Stage: String, Sendable, CaseIterable {
  case opening, scoring, merging, writing
}

/// A remark that goes to the user and into the record of the run.
public struct Note: Sendable, Equatable {
  public let severity: Severity
  public let text: String

  public enum Severity: String, Sendable {
    case info, warning
  }

  public static func info(_ text: String) -> Note { Note(severity: .info, text: text) }
  public static func warning(_ text: String) -> Note { Note(severity: .warning, text: text) }
}

/// An observer that looks away.
public struct Unobserved: Observer {
  public init() {}
  public func begin(_ stage: Stage, total: Int) {}
  public func advance(_ stage: Stage) {}
  public func end(_ stage: Stage) {}
  public func note(_ note: Note) {}
}
