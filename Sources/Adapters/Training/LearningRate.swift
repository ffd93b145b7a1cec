import Diagnostics

/// The learning rate by which a checkpoint's gradients are weighted: η̄, the mean over the last epoch before it.
///
/// Source: the scoring code of CLUES and LESS, which average `learning_rate` over the log entries whose epoch is above
/// the checkpoint's epoch minus one. If the log lacks it, the closest substitute is used and ``note`` says so.
public struct LearningRate: Sendable, Equatable {
  public let mean: Double
  /// A remark on its source; nil if all is well.
  public let note: String?

  /// A remark on a rate of 0.
  public static let zeroNote = "the learning rate is 0, so a checkpoint weighted by it does not count"

  private init(mean: Double, note: String?) { (self.mean, self.note) = (mean, note) }

  /// The rate that was logged; nil when none was.
  public init?(log trainer: TrainerState) {
    var latest: [Int: (epoch: Double?, rate: Double)] = [:]
    var late = 0
    for entry in trainer.log {
      guard let rate = entry.learningRate else { continue }
      // A resumed run logs its first steps again; the last entry is the true one.
      if entry.step <= trainer.step { latest[entry.step] = (entry.epoch, rate) } else { late += 1 }
    }
    guard let last = latest.max(by: { $0.key < $1.key }) else { return nil }
    var notes: [String] = []
    if late > 0 { notes.append("ignored \(late) log entries after step \(trainer.step)") }
    var rates = [last.value.rate]
    if let epoch = trainer.epoch ?? last.value.epoch {
      let undated = latest.values.count { $0.epoch == nil }
      if undated > 0 { notes.append("ignored \(undated) log entries without an epoch") }
      let ofEpoch = latest.sorted { $0.key < $1.key }.compactMap { entry in
        entry.value.epoch.flatMap { $0 > epoch - 1 ? entry.value.rate : nil }
      }
      if ofEpoch.isEmpty {
        notes.append("no learning rate was logged in the last epoch, so it is that of step \(last.key) alone")
      } else {
        rates = ofEpoch
      }
    } else {
      notes.append("the log names no epochs, so the learning rate is that of step \(last.key) alone")
    }
    let mean = rates.reduce(0, +) / Double(rates.count)
    if mean == 0 { notes.append(Self.zeroNote) }
    self.init(mean: mean, note: notes.isEmpty ? nil : notes.joined(separator: "; "))
  }

  /// The rate with which the optimizer would have continued, if none was logged.
  ///
  /// - throws: ``Failure`` `badData` when the file has none, several, or the one after the last step.
  public init(optimizer: OptimizerState) throws {
    let advice = "hand in trainer_state.json with its log_history, written with logging_steps no larger than an epoch"
    let rates = Set(optimizer.groups.compactMap(\.learningRate))
    guard let rate = rates.first else {
      throw Failure(.badData, "has no learning rate, and none was logged", advice: advice)
    }
    guard rates.count == 1 else {
      throw Failure(
        .badData, "has groups with different learning rates, and none was logged", advice: advice)
    }
    guard rate > 0 else {
      throw Failure(
        .badData, "has the learning rate \(rate), the one after the last step, and none was logged", advice: advice)
    }
    try Measure.check(rate, column: "learning_rate")
    self.init(
      mean: rate, note: "no learning rate was logged, so it is the optimizer's, which is that of the next step")
  }
}
