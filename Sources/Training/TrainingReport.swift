import Capture
import JSON

/// The outcome of a training.
package struct TrainingReport: Sendable {
  package var folder = ""
  package var steps = 0
  package var epochs = 0.0
  /// The step from which the training was resumed; nil if it was not.
  package var resumedFrom: Int?
  /// In step order.
  package var checkpoints: [Int] = []
  /// The number of training samples, and the samples of the files that were left out.
  package var samples = 0
  package var leftOut: [(id: String, file: String, line: Int, reason: String)] = []
  /// The numbers of trained parameters and of adapted layers.
  package var parameters = 0
  package var layers = 0
  /// Of the first and the last step, and the mean of the last epoch.
  package var firstLoss, lastLoss, epochLoss: Double?
  /// Of this run alone: tokens through the model, learned labels, and duration.
  package var tokens = 0
  package var labels = 0
  package var seconds = 0.0
  package var notes: [String] = []
  package var capture: CaptureReport?

  package var json: JSONValue {
    var object: JSONObject = [
      "schema": "clues/training/1", "folder": .string(folder), "steps": JSONValue(steps), "epochs": .number(epochs),
      "resumed_from": resumedFrom.map { JSONValue($0) } ?? .null,
      "checkpoints": .array(checkpoints.map { JSONValue($0) }), "samples": JSONValue(samples),
      "left_out": .array(
        leftOut.map {
          ["id": .string($0.id), "file": .string($0.file), "line": JSONValue($0.line), "reason": .string($0.reason)]
        }), "layers": JSONValue(layers), "parameters": JSONValue(parameters),
    ]
    for (name, loss) in [("first_loss", firstLoss), ("last_loss", lastLoss), ("epoch_loss", epochLoss)] {
      object[name] = loss.map { number($0) } ?? .null
    }
    object["tokens"] = JSONValue(tokens)
    object["labels"] = JSONValue(labels)
    object["seconds"] = .number(seconds)
    object["tokens_per_second"] = seconds > 0 ? number(Double(tokens) / seconds) : .null
    object["notes"] = JSONValue(notes)
    if let capture { object["capture"] = capture.json }
    return .object(object)
  }

  /// In a sentence or two.
  package var text: String {
    func text(_ loss: Double?) -> String {
      guard let loss else { return "?" }
      return abs(loss) < 1e9 ? String((loss * 10_000).rounded() / 10_000) : String(loss)
    }
    let saved = checkpoints.map(String.init).joined(separator: ", ")
    let rest = capture.map { "\n" + $0.text } ?? ""
    return "The adapter is in \(folder): \(steps) steps on \(samples) samples, loss \(text(firstLoss)) at first and "
      + "\(text(epochLoss)) in the last epoch; checkpoint\(checkpoints.count == 1 ? "" : "s") \(saved)" + rest
  }
}
