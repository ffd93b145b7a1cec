import Capture
import Diagnostics
import Digests
import Engine
import Files
import JSON
import Tensors

/// Everything that determines the bytes of a training, kept in each of its checkpoints (`clues_training.json`), so that no
/// other training resumes from them.
struct TrainingRecord: Sendable, Equatable {
  static let fileName = "clues_training.json"

  /// Changed when the same settings give other results, so that older checkpoints are not resumed.
  private static let schema = "clues/training-settings/1"

  let object: JSONObject

  /// - parameter samples: The training samples, in file order.
  init(
    _ settings: TrainingSettings, _ plan: TrainingPlan, _ adapter: StartingAdapter, _ factors: [[Float]],
    _ samples: [EncodedSample]
  ) throws {
    // The base model's path and PEFT's version in the config do not affect the training.
    var config = adapter.config
    for key in ["base_model_name_or_path", "peft_version"] { config[key] = nil }
    object = JSONObject([
      ("schema", .string(Self.schema)),
      ("base model", try CaptureKey.identity(ofModel: settings.data.base)),
      ("samples", .string(Self.digest(of: samples))),
      ("adapter", .string(sha256(of: JSONValue.object(config).text(sorted: true)))),
      ("first factors", .string(Self.digest(of: factors))),
      ("dropout", .number(adapter.dropout)),
      ("steps", JSONValue(plan.steps)),
      ("batch", JSONValue(settings.batch)),
      ("accumulation", JSONValue(settings.accumulation)),
      ("order", .string(settings.order.rawValue)),
      ("seed", .string(String(settings.seed))),
      ("learning rate", .number(settings.learningRate)),
      ("schedule", .string(settings.schedule.rawValue)),
      ("warm-up", JSONValue(plan.warmupSteps)),
      ("clip", .number(settings.clip)),
      ("weight decay", .number(settings.weightDecay)),
      ("beta1", .number(settings.beta1)),
      ("beta2", .number(settings.beta2)),
      ("epsilon", .number(settings.epsilon)),
      ("steps between checkpoints", JSONValue(plan.saveSteps)),
    ])
  }

  var text: String { JSONValue.object(object).text(indented: true) + "\n" }

  /// - throws: ``Failure`` `cannotWrite` if a checkpoint is not of this training.
  func check(checkpoint folder: String, limits: Limits) throws {
    let file = "\(folder)/\(Self.fileName)"
    let advice = "name another folder with -o, or remove this one yourself"
    guard let bytes = try? StreamReader(file).bytes(limit: 1 << 24) else {
      throw Failure(
        .cannotWrite, "is a checkpoint that clues train did not write, so that it is not gone on from", advice: advice,
        file: folder)
    }
    let found = try locating(file: file) { try bytes.withUnsafeBytes { try JSONReader(limits).read($0) } }.objectValue
    guard let other = object.members.first(where: { found?[$0.key]?.isEquivalent(to: $0.value) != true }) else {
      return
    }
    func text(_ value: JSONValue?) -> String? {
      switch value {
      case .string(let text)? where text.utf8.count < 32: text
      case .integer?, .number?: value?.text()
      default: nil
      }
    }
    let values = text(found?[other.key]).flatMap { old in text(other.value).map { ": \(old) there, \($0) now" } } ?? ""
    throw Failure(
      .cannotWrite, "is a checkpoint of a training with another '\(other.key)'\(values)", advice: advice, file: folder)
  }

  private static func digest(of samples: [EncodedSample]) -> String {
    var bytes: [UInt8] = []
    for sample in samples {
      for values in [sample.tokens, sample.labels] {
        withUnsafeBytes(of: Int64(values.count).littleEndian) { bytes += Array($0) }
        values.withUnsafeBytes { bytes += Array($0) }
      }
    }
    return sha256(of: Bytes(bytes))
  }

  private static func digest(of factors: [[Float]]) -> String {
    sha256(of: Bytes(factors.flatMap { $0.withUnsafeBytes { Array($0) } }))
  }
}
