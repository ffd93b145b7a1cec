import Bundles
import Digests
import JSON
import Tensors

/// The names under which the parts of a capture are kept: each holds a digest of what made the part.
struct CaptureKeys: Sendable {
  /// The losses of the untuned model.
  let base: String

  /// By step.
  let checkpoints: [Int: String]

  /// By step, what the names of its kept files of gradients begin with.
  let gradients: [Int: String]

  /// Says that all parts are finished and the evidence is being written; holds the digest of the ledger.
  let commit: String

  var all: [String] {
    [base, commit] + checkpoints.values
  }

  init(_ settings: CaptureSettings, _ base: BaseModel, _ samples: CaptureSamples, _ inputs: [CheckpointInputs]) throws {
    // Tokens and labels say all that files, templates and settings make of the samples.
    let model: [(String, JSONValue)] = [
      ("model", try CaptureKey.identity(ofModel: settings.base)), ("samples", Self.digest(of: samples)),
    ]
    self.base = "base-\(CaptureKey(model).text).jsonl"
    var checkpoints: [Int: String] = [:]
    for input in inputs {
      let key = CaptureKey(
        model + [
          ("step", JSONValue(input.step)),
          (
            "files",
            try CaptureKey.digests([
              input.files.adapter.config, input.files.adapter.weights, input.files.optimizer, input.files.trainerState,
            ])
          ), ("gradients", .bool(settings.writesGradients)),
        ])
      checkpoints[input.step] = "checkpoint-\(input.step)-\(key.text).jsonl"
    }
    self.checkpoints = checkpoints
    gradients = checkpoints.mapValues { $0.dropLast("jsonl".count) + "" }
    let parts: [(String, JSONValue)] = [("parts", JSONValue(checkpoints.values.sorted() + [self.base]))]
    commit = "commit-\(CaptureKey(parts).text)"
  }

  private static func digest(of samples: CaptureSamples) -> JSONValue {
    var bytes: [UInt8] = []
    func add(_ text: String) {
      bytes += Array(text.utf8) + [0]
    }
    func add(_ values: [Int32]) {
      withUnsafeBytes(of: Int64(values.count).littleEndian) { bytes += Array($0) }
      for value in values { withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) } }
    }
    for sample in samples.all {
      add(
        [sample.sample.split.rawValue, sample.sample.id, sample.sample.domain ?? "", sample.fault ?? ""].joined(
          separator: "\0"))
      for encoded in [sample.learned, sample.measured] + [sample.withoutPrompt].compactMap({ $0 }) {
        add(encoded.tokens)
        add(encoded.labels)
      }
    }
    return .string(sha256(of: Bytes(bytes)))
  }
}
