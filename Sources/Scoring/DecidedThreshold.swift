import Diagnostics
import JSON
import Recipes
import Tensors

/// A threshold that an operator sends to clients, with everything needed to apply it: a small JSON file.
package struct DecidedThreshold: Sendable {
  package let rule: String
  package let parameters: JSONValue
  package let calibratesClients: Bool
  package let scorers: [ScoreTable.Scorer]
  package let combination: Recipe.Combination?
  private let common: Double?
  private let byClient: [String: Double]
  /// SHA-256 digests that identify the clients' anchors and validation data.
  package let evidence: JSONObject

  package init(_ selection: SampleSelection) {
    rule = selection.rule
    parameters = selection.parameters
    calibratesClients = selection.calibratesClients
    scorers = selection.table.scorers
    combination = selection.table.combination
    common = selection.globalThreshold
    byClient = Dictionary(uniqueKeysWithValues: selection.clients.map { ($0.client, $0.threshold) })
    evidence = selection.table.evidence
  }

  package init(path: String, limits: Limits = Limits()) throws {
    let bytes = try Bytes(mapping: path)
    self = try locating(file: path) {
      let foreign = Failure(
        .badData, "is not a threshold of Clues", advice: "use a threshold.json written by `clues select -o`")
      let value: JSONValue
      do {
        value = try bytes.withUnsafeBytes { try JSONReader(limits).read($0) }
      } catch var failure as Failure {
        failure.advice = failure.advice ?? foreign.advice
        throw failure
      }
      guard let object = value.objectValue, object["schema"] == "clues/threshold/1" else { throw foreign }
      return try DecidedThreshold(object)
    }
  }

  private init(_ object: JSONObject) throws {
    rule = object["rule"]?.stringValue ?? ""
    parameters = object["parameters"] ?? .object(JSONObject())
    switch object["calibrate"] ?? "none" {
    case "client": calibratesClients = true
    case "none": calibratesClients = false
    default: throw Failure(.badData, "'calibrate' is neither 'client' nor 'none'")
    }
    (scorers, combination) = try ScoreTable.origin(object)
    common = try object["threshold"].flatMap { $0.isNull ? nil : try Self.number($0) }
    byClient = Dictionary(
      try (object["thresholds"]?.objectValue?.members ?? []).map { ($0.key, try Self.number($0.value)) }
    ) { first, _ in first }
    evidence = object["evidence"]?.objectValue ?? JSONObject()
    guard common != nil || !byClient.isEmpty else { throw Failure(.badData, "has no threshold") }
  }

  package var json: JSONValue {
    .object([
      "schema": "clues/threshold/1", "rule": .string(rule), "parameters": parameters,
      "threshold": common.map { finite($0) } ?? .null,
      "thresholds": .object(JSONObject(byClient.sorted { $0.key < $1.key }.map { ($0.key, finite($0.value)) })),
      "calibrate": calibratesClients ? "client" : "none", "scorers": .array(scorers.map(\.json)),
      "combine": JSONValue(combination?.rawValue),
      "evidence": .object(evidence),
    ])
  }

  package func threshold(for client: String) throws -> Double {
    if let threshold = common ?? byClient[client] { return threshold }
    throw Failure(
      .badData, "the threshold file has no threshold for this client",
      advice: "it was made for:  \(byClient.keys.sorted().joined(separator: ", "))", client: client)
  }

  /// JSON has no infinity, which is the threshold of a rule that keeps nothing or everything.
  private func finite(_ number: Double) -> JSONValue { number.isFinite ? .number(number) : .string("\(number)") }

  private static func number(_ value: JSONValue) throws -> Double {
    switch value {
    case "inf": return .infinity
    case "-inf": return -.infinity
    default:
      guard let number = value.doubleValue else { throw Failure(.badData, "has a threshold that is not a number") }
      return number
    }
  }
}
