import Adapters
import Bundles
import Diagnostics
import Digests
import Foundation
import JSON
import PluginHost
import Recipes
import Tensors

extension ScoreTable {
  /// The table as JSON Lines: one object per sample, in order.
  package var text: String { rows.reduce(into: "") { $0 += JSONValue.object($1.json).text() + "\n" } }

  /// The origin of the scores, for the file that accompanies `text`.
  ///
  /// Two files cannot be replaced in one step. The digest shows whether they belong together.
  package func originJSON(of text: String) -> JSONValue {
    .object([
      "schema": "clues/scoring/1", "scores_sha256": .string(sha256(of: Bytes(text.utf8))),
      "scorers": .array(scorers.map(\.json)), "combine": JSONValue(combination?.rawValue),
      "evidence": .object(evidence),
    ])
  }

  /// Reads scores that Clues wrote.
  ///
  /// - parameter path: The file of scores; the file with their origin is read too, if it exists. `-` is standard input,
  ///   which has no origin.
  package init(path: String, limits: Limits = Limits()) throws {
    let isInput = path == "-"
    let bytes = try isInput ? Self.standardInput() : Bytes(mapping: path)
    var rows: [Row] = []
    try locating(file: isInput ? "standard input" : path) {
      try bytes.withUnsafeBytes {
        try JSONReader(limits).readLines($0) { value, _ in rows.append(try Row(value)) }
      }
      guard !rows.isEmpty else { throw Failure(.badData, "has no scores") }
      try Self.checkThatEachStandsOnce(rows)
    }
    self.rows = rows
    scorers = []
    let origin = Self.originPath(of: path)
    if !isInput, FileManager.default.fileExists(atPath: origin) {
      let scores = bytes
      let bytes = try Bytes(mapping: origin)
      try locating(file: origin) {
        guard let object = try bytes.withUnsafeBytes({ try JSONReader(limits).read($0) }).objectValue,
          object["schema"] == "clues/scoring/1"
        else {
          throw Failure(
            .badData, "is not an origin of scores", advice: "score again; or remove this file if it is yours")
        }
        if let digest = object["scores_sha256"]?.stringValue, digest != sha256(of: scores) {
          throw Failure(
            .badData, "is the origin of other scores, not of those in \(path)",
            advice: "score again; if you have changed the scores yourself, remove this file")
        }
        (scorers, combination) = try Self.origin(object)
        evidence = object["evidence"]?.objectValue ?? JSONObject()
      }
    }
    self = withShortfalls
  }

  /// The scorers that a file names, and how their scores are combined; older files, which do not say, were summed.
  package static func origin(_ object: JSONObject) throws -> (scorers: [Scorer], combination: Recipe.Combination?) {
    var scorers: [Scorer] = []
    for value in object["scorers"]?.arrayValue ?? [] {
      let scorer = try Scorer(value, after: scorers)
      guard !scorers.contains(where: { $0.name == scorer.name }) else {
        throw Failure(.badData, "two scorers have the name '\(scorer.name)'")
      }
      scorers.append(scorer)
    }
    guard scorers.count > 1 else { return (scorers, nil) }
    guard let written = object["combine"], !written.isNull else { return (scorers, .sum) }
    guard let combination = written.stringValue.flatMap(Recipe.Combination.init(rawValue:)) else {
      throw Failure(
        .badData,
        "'combine' is not one of \(Recipe.Combination.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", "))",
        advice: "use the version of Clues that wrote it")
    }
    return (scorers, combination)
  }

  /// The table with the shortfalls of its rows, which follow from their parts.
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

  /// All of standard input. It waits a moment at a time, so that the user can interrupt it.
  private static func standardInput() throws -> Bytes {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      try Interruption.check()
      var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      guard poll(&request, 1, 100) > 0 else { continue }
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count == 0 { return Bytes(bytes) }
      if count > 0 {
        bytes.append(contentsOf: buffer[..<count])
      } else if errno != EINTR, errno != EAGAIN {
        throw Failure(.missingInput, "standard input cannot be read", advice: "pipe in the output of `clues score`")
      }
    }
  }

  private static func checkThatEachStandsOnce(_ rows: [Row]) throws {
    var seen: Set<[String]> = []
    var clients: Set<String> = []
    for (index, row) in rows.enumerated() {
      guard seen.insert([row.client, row.split, row.id]).inserted else {
        throw Failure(.badData, "the \(row.split) sample '\(row.id)' appears twice", client: row.client)
      }
      guard index > 0 && rows[index - 1].client == row.client || clients.insert(row.client).inserted else {
        throw Failure(
          .badData, "its samples are not contiguous", advice: "put all samples of a client together",
          client: row.client)
      }
    }
  }

  /// The file with the origin of the scores in a file: scores.jsonl → scores.origin.json.
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
    // Client names become file names, and ids become lines of a file; anybody may have written this one.
    try ClientName.check(client, of: "client")
    guard PluginHost.Split(name: split) != nil else {
      throw Failure(.badData, "the split '\(split)' is neither train nor anchor")
    }
    try Sample.check(id: id)
    /// The number, or nil for null.
    func number(_ value: JSONValue?) throws -> Double? {
      guard let value, !value.isNull else { return nil }
      guard let number = value.doubleValue else {
        throw Failure(.badData, "a score of the sample '\(id)' is not a number", client: client)
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
      guard let step = Int(member.key) else { throw Failure(.badData, "'\(member.key)' is not a checkpoint") }
      return (step, try number(member.value))
    }
    parts = try (object["scores"]?.objectValue?.members ?? []).map { ($0.key, try number($0.value)) }
    try checkSize()
    kept = object["kept"]?.boolValue
    guard kept != nil || object["kept"]?.isNull ?? true else {
      throw Failure(.badData, "'kept' of the sample '\(id)' is neither true nor false", client: client)
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

  /// - parameter earlier: The scorers before it, on which a default name depends.
  fileprivate init(_ value: JSONValue, after earlier: [ScoreTable.Scorer]) throws {
    guard let object = value.objectValue, let id = object["scorer"]?.stringValue else {
      throw Failure(.badData, "a scorer is not described correctly")
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
      throw Failure(.badData, "the scorer '\(id)' has no positive weight")
    }
    version = object["version"]?.stringValue ?? ""
    parameters = object["parameters"] ?? .object(JSONObject())
    self.weight = weight
    if let mean = object["anchor_mean"]?.doubleValue, let deviation = object["anchor_deviation"]?.doubleValue {
      guard deviation > 0 else { throw Failure(.badData, "the scorer '\(id)' has anchors without a deviation") }
      let between = object["anchor_deviation_between_clients"].map { $0.doubleValue ?? -1 } ?? 0
      guard between >= 0 else { throw Failure(.badData, "the scorer '\(id)' has clients with a negative deviation") }
      scale = Scale(mean: mean, deviation: deviation, between: between)
    } else {
      scale = nil
    }
  }
}
