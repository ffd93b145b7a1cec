import Diagnostics

/// Who watches a run: gets to know how far it is and what is worth saying.
public protocol Observer: Sendable {
  /// A stage begins.
  ///
  /// - parameter total: How much there is to do, in the stage's unit; nil where nobody knows.
  func begin(_ stage: Stage, total: Int?)

  /// So much more of the stage is done; called from any thread and often, so it must be cheap.
  func advance(_ stage: Stage, by amount: Int)

  func end(_ stage: Stage)

  /// Something that the user should know but that stops nothing.
  func note(_ note: Note)
}

/// The stages of a run, in order; not every run has all of them.
public enum Stage: String, Sendable, CaseIterable {
  case opening, reading, scoring, drawing, comparing, surveying, merging, writing, packing

  /// What the steps of a stage are counted in.
  public enum Unit: String, Sendable {
    case bytes, clients, samples, draws, modules
  }

  public var unit: Unit {
    switch self {
    case .opening, .writing, .packing: .bytes
    case .reading: .clients
    case .scoring: .samples
    case .drawing: .draws
    case .comparing, .surveying, .merging: .modules
    }
  }
}

/// A remark that goes to the user and into the record of the run.
///
/// It may hold names from other people's files and what plugins say, so its text is shown as ``oneLine(_:)`` does.
public struct Note: Sendable, Hashable {
  public let severity: Severity
  public let text: String

  public init(severity: Severity, text: String) {
    self.severity = severity
    self.text = oneLine(text)
  }

  public enum Severity: String, Sendable {
    case info, warning
  }

  public static func info(_ text: String) -> Note { Note(severity: .info, text: text) }
  public static func warning(_ text: String) -> Note { Note(severity: .warning, text: text) }
}

/// An observer that looks away.
public struct Unobserved: Observer {
  public init() {}
  public func begin(_ stage: Stage, total: Int?) {}
  public func advance(_ stage: Stage, by amount: Int) {}
  public func end(_ stage: Stage) {}
  public func note(_ note: Note) {}
}
