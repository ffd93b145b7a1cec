import Diagnostics
import JSON

/// One sample with its score: a line of `scores.jsonl`.
package struct ScoreRecord: JSONRecord {
  package var (client, split, id) = ("", "", "")
  package var domain: String?
  package var score: Double?
  /// The score at every checkpoint, nil if missing; nil as a whole if not recorded.
  package var checkpoints: [(key: String, value: Double?)]?
  /// The scores of the single scorers if there are several.
  package var parts: [(key: String, value: Double?)]?
  /// What each scorer adds to a score that is combined by shortfall.
  package var shortfalls: [(key: String, value: Double)]?
  /// Whether the selection keeps it; nil without a selection and for anchors.
  package var isKept: Bool?
  /// The respect in which a dropped sample falls short most.
  package var shortOf: String?
  /// Why there is no score.
  package var reason: String?

  package init() {}

  package static let fields: [JSONField<Self>] = [
    .key("client", \.client, .text), .key("split", \.split, .text), .key("id", \.id, .text),
    .optional("domain", \.domain, .text), .optional("score", \.score, .number),
    .optional("checkpoints", \.checkpoints, .map(of: .numberOrNull), isWritten: false),
    .optional("scores", \.parts, .map(of: .numberOrNull), isWritten: false),
    .optional("shortfalls", \.shortfalls, .map(of: .number), isWritten: false),
    .optional("kept", \.isKept, .flag), .optional("short_of", \.shortOf, .text, isWritten: false),
    .optional("reason", \.reason, .text, isWritten: false),
  ]
}

/// A scorer as records name it.
package struct ScorerRecord: JSONRecord {
  package var id = ""
  /// The name of its scores; nil in records from before it was recorded.
  package var name: String?
  package var version = ""
  package var parameters = JSONValue.object(JSONObject())
  package var weight = 1.0
  /// Which scores count against a sample; nil if scores are not combined by shortfall.
  package var side: String?
  package var anchorMean: Double?
  package var anchorDeviation: Double?
  package var deviationBetweenClients: Double?

  package init() {}

  /// The name of its scores.
  package var label: String { name ?? id }

  package static let fields: [JSONField<Self>] = [
    .key("scorer", \.id, .text), .optional("name", \.name, .text), .optional("version", \.version, .text),
    .optional("parameters", \.parameters, .any), .key("weight", \.weight, .positive),
    .optional("side", \.side, .text, isWritten: false),
    .optional("anchor_mean", \.anchorMean, .number, isWritten: false),
    .optional("anchor_deviation", \.anchorDeviation, .positive, isWritten: false),
    .optional("anchor_deviation_between_clients", \.deviationBetweenClients, .number, isWritten: false),
  ]
}

/// The origin of scores: `scores.origin.json`, next to them.
package struct ScoresOrigin: JSONDocument {
  /// The digest of the scores it belongs to.
  package var scoresDigest: String?
  package var scorers: [ScorerRecord] = []
  package var combination: String?
  /// SHA-256 digests that identify the clients' anchors and validation data.
  package var evidence = JSONObject()

  package init() {}

  package static let schema = "clues/scoring/1"
  package static let foreign = Failure(
    .badData, "does not record the origin of scores", advice: "score again; or remove this file if it is yours")

  package static let fields: [JSONField<Self>] = [
    .optional("scores_sha256", \.scoresDigest, .text), .optional("scorers", \.scorers, .list(of: .record)),
    .optional("combine", \.combination, .text), .optional("evidence", \.evidence, .object),
  ]
}
