/// Receives the progress and the notes of a run.
package protocol Observer: Sendable {
  /// A stage begins.
  ///
  /// - parameter total: The amount of work, in the stage's unit; nil if unknown.
  func begin(_ stage: RunStage, total: Int?)

  /// This much more of the stage is done; called from any thread and often, so it must be cheap.
  func advance(_ stage: RunStage, by amount: Int)

  func end(_ stage: RunStage)

  /// How it stands in a stage that is under way: figures with their names, in this order.
  func show(_ figures: [StageFigure])

  /// A remark for the user that does not stop the run.
  func note(_ note: Note)
}

extension Observer {
  package func show(_ figures: [StageFigure]) {}
}

/// A number that says how it stands, such as the loss of a training.
package struct StageFigure: Sendable, Equatable {
  /// For people, `tokens/s`.
  package let name: String
  /// For programs, `tokens_per_second`.
  package let key: String
  package let value: Double

  package init(_ name: String, key: String? = nil, _ value: Double) {
    (self.name, self.key, self.value) = (name, key ?? name, value)
  }
}

/// The stages of a run, in order; not every run has all of them.
package enum RunStage: String, Sendable, CaseIterable {
  case opening, reading, training, capturing, measuring, answering, scoring, drawing, comparing, surveying, merging,
    writing, packing, experimenting

  /// The unit in which a stage's work is counted.
  package enum Unit: String, Sendable {
    case bytes, clients, steps, samples, draws, modules
  }

  package var unit: Unit {
    switch self {
    case .opening, .writing, .packing: .bytes
    case .reading: .clients
    case .training, .experimenting: .steps
    case .capturing, .measuring, .answering, .scoring: .samples
    case .drawing: .draws
    case .comparing, .surveying, .merging: .modules
    }
  }
}

/// An observer that ignores everything.
package struct Unobserved: Observer {
  package init() {}
  package func begin(_ stage: RunStage, total: Int?) {}
  package func advance(_ stage: RunStage, by amount: Int) {}
  package func end(_ stage: RunStage) {}
  package func note(_ note: Note) {}
}
