import Diagnostics
import JSON
import Tensors

/// The Trainer's log up to a checkpoint: `trainer_state.json`.
///
/// Python writes `NaN` and `Infinity` into it, and it mixes evaluation lines with training lines.
public struct TrainerState: Sendable {
  /// Optimizer steps taken.
  public let step: Int
  /// Epochs done, whole and begun.
  public let epoch: Double?
  /// The lines of `log_history`, in the order of the file.
  public let log: [LogEntry]

  public struct LogEntry: Sendable, Equatable {
    public let step: Int
    public let epoch: Double?
    /// Nil in evaluation lines.
    public let learningRate: Double?
  }

  /// - throws: ``Failure`` `badData`, with line and column where the text is at fault.
  public init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    var reader = JSONReader(limits)
    reader.takesNonFiniteNumbers = true
    guard let object = try bytes.withUnsafeBytes({ try reader.read($0) }).objectValue else {
      throw Failure(.badData, "is not an object", advice: "hand in trainer_state.json as the Trainer wrote it")
    }
    guard let step = object["global_step"]?.intValue, step >= 0 else {
      throw Failure(
        .badData, "has no valid 'global_step'", advice: "hand in trainer_state.json as the Trainer wrote it"
      )
    }
    self.step = step
    epoch = try Self.number("epoch", in: object)
    guard let history = object["log_history"]?.arrayValue else { throw Failure(.badData, "has no list 'log_history'") }
    log = try history.enumerated().map { index, value in
      do {
        return try Self.entry(value)
      } catch var failure as Failure {
        failure.message = "entry \(index + 1) of its log_history \(failure.message)"
        throw failure
      }
    }
  }

  private static func entry(_ value: JSONValue) throws -> LogEntry {
    guard let object = value.objectValue else { throw Failure(.badData, "is \(value.kindName), not an object") }
    guard let step = object["step"]?.intValue, step >= 0 else { throw Failure(.badData, "has no 'step'") }
    let rate = try number("learning_rate", in: object)
    if let rate { try Measure.check(rate, column: "learning_rate") }
    return LogEntry(step: step, epoch: try number("epoch", in: object), learningRate: rate)
  }

  private static func number(_ key: String, in object: JSONObject) throws -> Double? {
    guard let value = object[key], !value.isNull else { return nil }
    guard let number = value.doubleValue else {
      throw Failure(.badData, "has \(value.kindName) as '\(key)' instead of a number")
    }
    guard number.isFinite else { throw Failure(.badData, "has \(number) as '\(key)'") }
    return number
  }
}
