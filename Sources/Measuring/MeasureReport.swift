import Diagnostics
import JSON

/// The outcome of a measurement.
package struct MeasureReport: Sendable {
  package var base = ""
  package var models: [Model] = []
  package var files: [String] = []
  package var lossOver = ""
  package var draws = 0
  package var seed: UInt64 = 0
  /// The maximum number of tokens of an answer; nil if the models wrote none.
  package var answerTokens: Int?
  package var tables: [MeasureTable] = []
  package var examples: [JSONValue] = []
  package var leftOut: [JSONValue] = []
  package var notes: [String] = []

  /// A model that was measured.
  package struct Model: Sendable {
    package let name: String
    package let path: String
    package let step: Int?

    fileprivate var json: JSONValue {
      ["name": .string(name), "path": .string(path), "step": step.map { JSONValue($0) } ?? .null]
    }
  }

  package var json: JSONValue {
    var object: JSONObject = [
      "schema": "clues/measure/1", "version": .string(cluesVersion), "base": .string(base),
      "models": .array(models.map(\.json)),
      "data": JSONValue(files), "loss_over": .string(lossOver),
      "answer_tokens": answerTokens.map { JSONValue($0) } ?? .null,
      "bootstrap": ["draws": JSONValue(draws), "seed": .integer(Int64(bitPattern: seed)), "confidence": 0.95],
    ]
    for table in tables { object[table.kind.rawValue] = table.json }
    if !examples.isEmpty { object["examples"] = .array(examples) }
    object["left_out"] = .array(leftOut)
    object["notes"] = JSONValue(notes)
    return .object(object)
  }
}
