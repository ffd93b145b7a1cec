import Diagnostics
import JSON
import Recipes
import Records
import Tensors

/// A threshold that an operator sends to clients, with all that it takes to apply it: a small JSON file.
package struct DecidedThreshold: JSONDocument {
  package private(set) var rule = ""
  package private(set) var parameters = JSONValue.object(JSONObject())
  private var common: Double?
  private var byClient: [(key: String, value: Double)] = []
  private var calibration = SelectionRecord.Calibration.none
  package private(set) var scorers: [ScoreTable.Scorer] = []
  private var combinationName: String?
  /// SHA-256 of what the clients' anchors and validation data are known by.
  package private(set) var evidence = JSONObject()

  package init() {}

  package static let schema = "clues/threshold/1"
  package static let foreign = Failure(
    .badData, "is not a threshold of Clues", advice: "give the threshold.json that `clues select -o` wrote")

  package static let fields: [JSONField<Self>] = [
    .optional("rule", \.rule, .text), .optional("parameters", \.parameters, .any),
    .optional("threshold", \.common, .extended), .optional("thresholds", \.byClient, .map(of: .extended)),
    .optional("calibrate", \.calibration, .word), .optional("scorers", \.scorers, .scorers),
    .optional("combine", \.combinationName, .text), .optional("evidence", \.evidence, .object),
  ]

  package init(_ selection: SampleSelection) {
    (rule, parameters) = (selection.rule, selection.parameters)
    calibration = selection.calibratesClients ? .client : .none
    (scorers, combinationName) = (selection.table.scorers, selection.table.combination?.rawValue)
    common = selection.globalThreshold
    byClient = selection.clients.map { (key: $0.client, value: $0.threshold) }.sorted { $0.key < $1.key }
    evidence = selection.table.evidence
  }

  package init(path: String, limits: Limits = Limits()) throws {
    let bytes = try Bytes(mapping: path)
    self = try locating(file: path) {
      let value: JSONValue
      do {
        value = try bytes.withUnsafeBytes { try JSONReader(limits).read($0) }
      } catch var failure as Failure {
        failure.advice = failure.advice ?? Self.foreign.advice
        throw failure
      }
      let threshold = try DecidedThreshold(document: value)
      _ = try threshold.combination
      guard threshold.common != nil || !threshold.byClient.isEmpty else {
        throw Failure(.badData, "holds no threshold")
      }
      return threshold
    }
  }

  package var calibratesClients: Bool { calibration == .client }

  package var combination: Recipe.Combination? {
    get throws { try ScoreTable.combination(combinationName, of: scorers) }
  }

  package func threshold(for client: String) throws -> Double {
    if let threshold = common ?? byClient.first(where: { $0.key == client })?.value { return threshold }
    throw Failure(
      .badData, "the threshold file has no threshold for this client",
      advice: "it was decided for: \(byClient.map(\.key).sorted().joined(separator: ", "))", client: client)
  }
}

extension JSONKind<[ScoreTable.Scorer]> {
  fileprivate static let scorers = JSONKind<[ScorerRecord]>.list(of: .record)
    .mapped({ try ScoreTable.Scorer.all($0) }, { $0.map { ScorerRecord($0) } })
}
