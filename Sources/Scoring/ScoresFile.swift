import Adapters
import Bundles
import Diagnostics
import Digests
import Files
import Glibc
import JSON
import PluginHost
import Recipes
import SystemPackage
import Tensors

extension ScoreTable {
  /// The table as JSON Lines: one object a sample, in order.
  package var text: String { rows.reduce(into: "") { $0 += JSONValue.object($1.json).text() + "\n" } }

  /// How the scores came about, for the file beside the scores, which `text` is to be.
  ///
  /// Two files cannot be replaced in one step. The digest tells whether they belong together.
  package func originJSON(of text: String) -> JSONValue {
    .object([
      "schema": "clues/scoring/1", "scores_sha256": .string(sha256(of: Bytes(text.utf8))),
      "scorers": .array(scorers.map(\.json)), "combine": JSONValue(combination?.rawValue),
      "evidence": .object(evidence),
    ])
  }

  /// Reads scores that Clues wrote.
  ///
  /// - parameter path: The file of scores; how they came about is read from beside it, if it is there. `-` is standard
  ///   input, which says nothing about that.
  package init(path: String, limits: Limits = Limits()) throws {
    let isInput = path == "-"
    let bytes =
      try isInput
      ? Bytes(StreamReader(STDIN_FILENO, subject: "standard input").bytes()) : Bytes(mapping: path)
    var rows: [Row] = []
    try locating(file: isInput ? "standard input" : path) {
      try bytes.withUnsafeBytes {
        try JSONReader(limits).readLines($0) { value, _ in rows.append(try Row(value)) }
      }
      guard !rows.isEmpty else { throw Failure(.badData, "holds no scores") }
      try Self.checkThatEachStandsOnce(rows)
    }
    self.rows = rows
    scorers = []
    let origin = Self.originPath(of: path)
    if !isInput, FilePath(origin).exists {
      let scores = bytes
      let bytes = try Bytes(mapping: origin)
      try locating(file: origin) {
        guard let object = try bytes.withUnsafeBytes({ try JSONReader(limits).read($0) }).objectValue,
          object["schema"] == "clues/scoring/1"
        else {
          throw Failure(
            .badData, "does not say how scores came about", advice: "score again; or remove this file if it is yours")
        }
        if let digest = object["scores_sha256"]?.stringValue, digest != sha256(of: scores) {
          throw Failure(
            .badData, "says how other scores came about, not those in \(path)",
            advice: "score again; if you have changed the scores yourself, remove this file")
        }
        (scorers, combination) = try Self.origin(object)
        evidence = object["evidence"]?.objectValue ?? JSONObject()
      }
    }
    self = withShortfalls
  }

  /// The scorers that a file names, and how their scores are combined; what was written before that was told was summed.
  package static func origin(_ object: JSONObject) throws -> (scorers: [Scorer], combination: Recipe.Combination?) {
    var scorers: [Scorer] = []
    for value in object["scorers"]?.arrayValue ?? [] {
      let scorer = try Scorer(value, after: scorers)
      guard !scorers.contains(where: { $0.name == scorer.name }) else {
        throw Failure(.badData, "two scorers are called '\(scorer.name)'")
      }
      scorers.append(scorer)
    }
    guard scorers.count > 1 else { return (scorers, nil) }
    guard let written = object["combine"], !written.isNull else { return (scorers, .sum) }
    guard let combination = written.stringValue.flatMap(Recipe.Combination.init(rawValue:)) else {
      throw Failure(
        .badData,
        "'combine' is none of \(Recipe.Combination.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", "))",
        advice: "use the version of Clues that wrote it")
    }
    return (scorers, combination)
  }

  /// The table with what its rows fall short by, which follows from their parts.
  private var withShortfalls: ScoreTable {
    let scales = scorers.compactMap(\.scale)
    guard combination == .shortfall, scales.count == scorers.count else { return self }
    let parts = ScoreParts(self)
    var copy = self
    for (index, terms) in parts.terms(scales).enumerated() where rows[index].score.value != nil {
      copy.rows[index].shortfalls = terms.map { parts.shortfalls($0) } ?? []
    }
    return copy
  }

  private static func checkThatEachStandsOnce(_ rows: [Row]) throws {
    var seen: Set<[String]> = []
    var clients: Set<String> = []
    for (index, row) in rows.enumerated() {
      guard seen.insert([row.client, row.split, row.id]).inserted else {
        throw Failure(.badData, "the \(row.split) sample '\(row.id)' stands twice", client: row.client)
      }
      guard index > 0 && rows[index - 1].client == row.client || clients.insert(row.client).inserted else {
        throw Failure(
          .badData, "its samples stand in two places", advice: "put all samples of a client together",
          client: row.client)
      }
    }
  }

  /// Where the origin of the scores in a file is written down: scores.jsonl → scores.origin.json.
  package static func originPath(of path: String) -> String {
    (path.hasSuffix(".jsonl") ? String(path.dropLast(6)) : path) + ".origin.json"
  }
}

extension ScoreTable.Row {
  package var json: JSONObject {
    var object = JSONObject([
      ("client", .string(client)), ("split", .string(split)), ("id", .string(id)), ("domain", JSONValue(domain)),
      ("score", score.value.map { .number($0) } ?? .null),
    ])
    if !checkpoints.isEmpty {
      object["checkpoints"] = .object(
        JSONObject(checkpoints.map { ("\($0.step)", $0.score.map { .number($0) } ?? .null) }))
    }
    if !parts.isEmpty {
      object["scores"] = .object(JSONObject(parts.map { ($0.scorer, $0.score.map { .number($0) } ?? .null) }))
    }
    if !shortfalls.isEmpty {
      object["shortfalls"] = .object(JSONObject(shortfalls.map { ($0.scorer, .number($0.value)) }))
    }
    object["kept"] = kept.map { .bool($0) } ?? .null
    if kept == false, let shortOf { object["short_of"] = .string(shortOf) }
    if case .unscored(let reason) = score { object["reason"] = .string(reason) }
    return object
  }

  fileprivate init(_ value: JSONValue) throws {
    guard let object = value.objectValue, let client = object["client"]?.stringValue,
      let split = object["split"]?.stringValue, let id = object["id"]?.stringValue
    else { throw Failure(.badData, "this line has no client, split and id", advice: "is it a scores.jsonl of Clues?") }
    // Client names become file names, and ids lines of a file; this one may have been written by anybody.
    try ClientName.check(client, of: "client")
    guard PluginHost.Split(name: split) != nil else {
      throw Failure(.badData, "the split '\(split)' is neither train nor anchor")
    }
    try Sample.check(id: id)
    /// The number, or nil for null.
    func number(_ value: JSONValue?) throws -> Double? {
      guard let value, !value.isNull else { return nil }
      guard let number = value.doubleValue else {
        throw Failure(.badData, "a score of the sample '\(id)' is no number", client: client)
      }
      return number
    }
    self.client = client
    self.split = split
    self.id = id
    domain = object["domain"]?.stringValue
    if let number = try number(object["score"]) {
      score = .value(number)
    } else {
      score = .unscored(object["reason"]?.stringValue ?? "no reason given")
    }
    checkpoints = try (object["checkpoints"]?.objectValue?.members ?? []).map { member in
      guard let step = Int(member.key) else { throw Failure(.badData, "'\(member.key)' is no checkpoint") }
      return (step, try number(member.value))
    }
    parts = try (object["scores"]?.objectValue?.members ?? []).map { ($0.key, try number($0.value)) }
    try checkSize()
    kept = object["kept"]?.boolValue
    guard kept != nil || object["kept"]?.isNull ?? true else {
      throw Failure(.badData, "whether the sample '\(id)' is kept is neither true nor false", client: client)
    }
  }
}

extension ScoreTable.Scorer {
  package var json: JSONValue {
    var object = JSONObject([
      ("scorer", .string(id)), ("name", .string(name)), ("version", .string(version)), ("parameters", parameters),
      ("weight", .number(weight)),
    ])
    if let side { object["side"] = .string(side.rawValue) }
    if let scale {
      object["anchor_mean"] = .number(scale.mean)
      object["anchor_deviation"] = .number(scale.deviation)
      if side != nil { object["anchor_deviation_between_clients"] = .number(scale.between) }
    }
    return .object(object)
  }

  /// - parameter earlier: The scorers before it, which a name that is not written down depends on.
  fileprivate init(_ value: JSONValue, after earlier: [ScoreTable.Scorer]) throws {
    guard let object = value.objectValue, let id = object["scorer"]?.stringValue else {
      throw Failure(.badData, "a scorer is not described rightly")
    }
    self.id = id
    let count = earlier.count { $0.id == id }
    name = object["name"]?.stringValue ?? (count == 0 ? id : "\(id)-\(count + 1)")
    side = try object["side"].map { side in
      guard let known = side.stringValue.flatMap(Recipe.Side.init(rawValue:)) else {
        throw Failure(.badData, "the 'side' of the scorer '\(id)' is neither 'low' nor 'both'")
      }
      return known
    }
    guard let weight = object["weight"]?.doubleValue, weight > 0 else {
      throw Failure(.badData, "the scorer '\(id)' has no weight above 0")
    }
    version = object["version"]?.stringValue ?? ""
    parameters = object["parameters"] ?? .object(JSONObject())
    self.weight = weight
    if let mean = object["anchor_mean"]?.doubleValue, let deviation = object["anchor_deviation"]?.doubleValue {
      guard deviation > 0 else { throw Failure(.badData, "the scorer '\(id)' has anchors without a deviation") }
      let between = object["anchor_deviation_between_clients"].map { $0.doubleValue ?? -1 } ?? 0
      guard between >= 0 else { throw Failure(.badData, "the scorer '\(id)' has clients with a deviation below 0") }
      scale = Scale(mean: mean, deviation: deviation, between: between)
    } else {
      scale = nil
    }
  }
}
