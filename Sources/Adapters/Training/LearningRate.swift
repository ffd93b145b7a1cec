import Diagnostics

/// The learning rate that a checkpoint's gradients are weighted with: η̄, the mean over the last epoch before it.
///
/// Source: the scoring code of CLUES and LESS, which average `learning_rate` over the log entries whose epoch is above
/// the checkpoint's epoch less one. Where the log does not have it, the nearest thing to it is taken and ``note`` says so.
public struct LearningRate: Sendable, Equatable {
  public let mean: Double
  /// How many logged rates it is the mean of; 0 if it was not logged.
  public let entryCount: Int
  /// What the user should know about where it comes from; nil if all is well.
  public let note: String?

  /// - throws: ``Failure`` `badData` when neither of the two knows a rate.
  public init(trainer: TrainerState?, optimizer: OptimizerState? = nil) throws {
    if let trainer, let logged = Self(log: trainer) {
      self = logged
    } else if let optimizer {
      self = try Self(groups: optimizer.groups)
    } else {
      throw Self.unknown
    }
  }

  private init(mean: Double, entryCount: Int, note: String?) {
    (self.mean, self.entryCount, self.note) = (mean, entryCount, note)
  }

  private init?(log trainer: TrainerState) {
    var latest: [Int: (epoch: Double?, rate: Double)] = [:]
    var late = 0
    for entry in trainer.log {
      guard let rate = entry.learningRate else { continue }
      // A resumed run logs its first steps again; what was logged last is what happened.
      if entry.step <= trainer.step { latest[entry.step] = (entry.epoch, rate) } else { late += 1 }
    }
    guard let last = latest.max(by: { $0.key < $1.key }) else { return nil }
    var notes: [String] = []
    if late > 0 { notes.append("\(late) log entries after step \(trainer.step) were left out") }
    guard let epoch = trainer.epoch ?? last.value.epoch else {
      notes.append("the log names no epochs, so the learning rate is that of step \(last.key) alone")
      self.init(mean: last.value.rate, entryCount: 1, note: notes.joined(separator: "; "))
      return
    }
    let undated = latest.values.count { $0.epoch == nil }
    if undated > 0 { notes.append("\(undated) log entries without an epoch were left out") }
    let rates = latest.sorted { $0.key < $1.key }.compactMap { entry in
      entry.value.epoch.flatMap { $0 > epoch - 1 ? entry.value.rate : nil }
    }
    if rates.isEmpty {
      notes.append("no learning rate was logged in the last epoch, so it is that of step \(last.key) alone")
      self.init(mean: last.value.rate, entryCount: 1, note: notes.joined(separator: "; "))
    } else {
      let mean = rates.reduce(0, +) / Double(rates.count)
      self.init(mean: mean, entryCount: rates.count, note: notes.isEmpty ? nil : notes.joined(separator: "; "))
    }
  }

  private init(groups: [OptimizerState.Group]) throws {
    let rates = Set(groups.compactMap(\.learningRate))
    guard let rate = rates.first else { throw Self.unknown }
    guard rates.count == 1 else {
      throw Failure(
        .badData, "has no logged learning rate, and the optimizer's groups have different ones",
        advice: "hand in trainer_state.json with its log_history")
    }
    guard rate > 0 else {
      throw Failure(
        .badData, "has no logged learning rate, and the optimizer's is \(rate), the one after the last step",
        advice: "hand in trainer_state.json with its log_history")
    }
    self.init(
      mean: rate, entryCount: 0,
      note: "no learning rate was logged, so it is the optimizer's, which is that of the next step")
  }

  private static let unknown = Failure(
    .badData, "has no learning rate: neither trainer_state.json nor optimizer.pt names one",
    advice: "hand in trainer_state.json, written with logging_steps no larger than an epoch")
}
