/// Who watches a run: gets to know how far it is and what is worth saying.
package protocol Observer: Sendable {
  /// A stage begins.
  ///
  /// - parameter total: How much there is to do, in the stage's unit; nil where nobody knows.
  func begin(_ stage: RunStage, total: Int?)

  /// So much more of the stage is done; called from any thread and often, so it must be cheap.
  func advance(_ stage: RunStage, by amount: Int)

  func end(_ stage: RunStage)

  /// Something that the user should know but that stops nothing.
  func note(_ note: Note)
}

/// The stages of a run, in order; not every run has all of them.
package enum RunStage: String, Sendable, CaseIterable {
  case opening, reading, capturing, measuring, answering, scoring, drawing, comparing, surveying, merging, writing,
    packing

  /// What the steps of a stage are counted in.
  package enum Unit: String, Sendable {
    case bytes, clients, samples, draws, modules
  }

  package var unit: Unit {
    switch self {
    case .opening, .writing, .packing: .bytes
    case .reading: .clients
    case .capturing, .measuring, .answering, .scoring: .samples
    case .drawing: .draws
    case .comparing, .surveying, .merging: .modules
    }
  }
}

/// An observer that looks away.
package struct Unobserved: Observer {
  package init() {}
  package func begin(_ stage: RunStage, total: Int?) {}
  package func advance(_ stage: RunStage, by amount: Int) {}
  package func end(_ stage: RunStage) {}
  package func note(_ note: Note) {}
}
