import Adapters
import JSON

/// The outcome of a capture.
package struct CaptureReport: Sendable {
  package var client = ""
  package var folder = ""
  /// In step order.
  package var checkpoints: [Int] = []
  /// Those that an interrupted capture had finished.
  package var resumed: [Int] = []
  /// The number of samples in each split.
  package var samples: [String: Int] = [:]
  /// Samples that stay unscored at all checkpoints, with their reasons.
  package var unscored: [(split: String, id: String, file: String, line: Int, reason: String)] = []
  /// The domains of the validation sets.
  package var domains: [String] = []
  package var files: [String] = []
  package var notes: [String] = []

  package var json: JSONValue {
    [
      "schema": "clues/capture/1", "client": .string(client), "folder": .string(folder),
      "checkpoints": .array(checkpoints.map { JSONValue($0) }), "resumed": .array(resumed.map { JSONValue($0) }),
      "samples": .object(JSONObject(samples.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) })),
      "domains": JSONValue(domains),
      "unscored": .array(
        unscored.map {
          [
            "split": .string($0.split), "id": .string($0.id), "file": .string($0.file), "line": JSONValue($0.line),
            "reason": .string($0.reason),
          ]
        }), "files": JSONValue(files), "notes": JSONValue(notes),
    ]
  }

  /// In a sentence or two.
  package var text: String {
    let counts = Split.allCases.compactMap { split in samples[split.rawValue].map { "\($0) \(split.rawValue)" } }
    let left = unscored.isEmpty ? "" : ", \(unscored.count) of them unscored"
    let steps = checkpoints.map(String.init).joined(separator: ", ")
    return "\(files.joined(separator: " and ")) are in \(folder): \(counts.joined(separator: ", ")) samples\(left), "
      + "checkpoint\(checkpoints.count == 1 ? "" : "s") \(steps)"
  }
}
