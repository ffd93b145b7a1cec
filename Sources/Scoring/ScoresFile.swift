import Adapters
import Bundles
import Diagnostics
import Digests
import Files
import Glibc
import JSON
import PluginHost
import Recipes
import Records
import SystemPackage
import Tensors

extension ScoreTable {
  /// The table as JSON Lines: one object per sample, in order.
  package var text: String { rows.reduce(into: "") { $0 += ScoreRecord($1).json.text() + "\n" } }

  /// The origin of the scores, for the file that accompanies `text`.
  ///
  /// Two files cannot be replaced in one step. The digest shows whether they belong together.
  package func origin(of text: String) -> ScoresOrigin {
    var origin = ScoresOrigin()
    origin.scoresDigest = sha256(of: Bytes(text.utf8))
    (origin.scorers, origin.combination) = (scorers.map { ScorerRecord($0) }, combination?.rawValue)
    origin.evidence = evidence
    return origin
  }

  /// Reads scores that Clues wrote.
  ///
  /// - parameter path: The file of scores; the file with their origin is read too, if it exists. `-` is standard input,
  ///   which has no origin.
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
      guard !rows.isEmpty else { throw Failure(.badData, "has no scores") }
      try Self.checkThatEachStandsOnce(rows)
    }
    self.rows = rows
    scorers = []
    let origin = Self.originPath(of: path)
    if !isInput, FilePath(origin).exists {
      let scores = bytes
      let bytes = try Bytes(mapping: origin)
      try locating(file: origin) {
        let record = try ScoresOrigin(document: bytes.withUnsafeBytes { try JSONReader(limits).read($0) })
        if let digest = record.scoresDigest, digest != sha256(of: scores) {
          throw Failure(
            .badData, "is the origin of other scores, not of those in \(path)",
            advice: "score again; if you have changed the scores yourself, remove this file")
        }
        scorers = try Scorer.all(record.scorers)
        combination = try Self.combination(record.combination, of: scorers)
        evidence = record.evidence
      }
    }
    self = withShortfalls
  }

  /// How a file combines the scores of its scorers; older files, which do not say, were summed.
  package static func combination(_ name: String?, of scorers: [Scorer]) throws -> Recipe.Combination? {
    guard scorers.count > 1 else { return nil }
    guard let name else { return .sum }
    guard let combination = Recipe.Combination(rawValue: name) else {
      throw Failure(
        .badData,
        "'combine' is not one of \(Recipe.Combination.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", "))",
        advice: "use the version of Clues that wrote it")
    }
    return combination
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

  private static func checkThatEachStandsOnce(_ rows: [Row]) throws {
    var seen: Set<[String]> = []
    var clients: Set<String> = []
    if let pair = twoSpellings(among: rows.lazy.map(\.client)) {
      throw Failure(twoSpellingsOf: "a client's name", pair.first, pair.second)
    }
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

extension ScoreRecord {
  package init(_ row: ScoreTable.Row) {
    self.init()
    (client, split, id, domain) = (row.client, row.split, row.id, row.domain)
    score = row.score.value
    if !row.checkpoints.isEmpty { checkpoints = row.checkpoints.map { (key: "\($0.step)", value: $0.score) } }
    if !row.parts.isEmpty { parts = row.parts.map { (key: $0.scorer, value: $0.score) } }
    if !row.shortfalls.isEmpty { shortfalls = row.shortfalls.map { (key: $0.scorer, value: $0.value) } }
    isKept = row.kept
    if row.kept == false { shortOf = row.shortOf }
    if case .unscored(let reason) = row.score { self.reason = reason }
  }
}

extension ScoreTable.Row {
  fileprivate init(_ value: JSONValue) throws {
    let row = try locating(client: value.objectValue?["client"]?.stringValue) {
      try ScoreRecord(value, advice: "is it a scores.jsonl of Clues?")
    }
    // Client names become file names, and ids lines of a file; this one may have been written by anybody.
    try ClientName.check(row.client, of: "client")
    guard PluginHost.Split(name: row.split) != nil else {
      throw Failure(.badData, "the split '\(row.split)' is neither train nor anchor")
    }
    try Sample.check(id: row.id)
    self.init(
      client: row.client, split: row.split, id: row.id, domain: row.domain,
      score: row.score.map { .value($0) } ?? .unscored(row.reason ?? "no reason given"),
      checkpoints: try (row.checkpoints ?? []).map { member in
        guard let step = Int(member.key) else { throw Failure(.badData, "'\(member.key)' is no checkpoint") }
        return (step, member.value)
      },
      parts: (row.parts ?? []).map { ($0.key, $0.value) }, kept: row.isKept)
    try checkSize()
  }
}

extension ScorerRecord {
  package init(_ scorer: ScoreTable.Scorer) {
    self.init()
    (id, name, version, parameters, weight) = (
      scorer.id, scorer.name, scorer.version, scorer.parameters, scorer.weight
    )
    side = scorer.side?.rawValue
    guard let scale = scorer.scale else { return }
    (anchorMean, anchorDeviation) = (scale.mean, scale.deviation)
    if side != nil { deviationBetweenClients = scale.between }
  }
}

extension ScoreTable.Scorer {
  /// The scorers of a file, no two of them under one name.
  static func all(_ records: [ScorerRecord]) throws -> [ScoreTable.Scorer] {
    try records.reduce(into: []) { scorers, record in
      let scorer = try ScoreTable.Scorer(record, after: scorers)
      guard !scorers.contains(where: { $0.name == scorer.name }) else {
        throw Failure(.badData, "two scorers have the name '\(scorer.name)'")
      }
      scorers.append(scorer)
    }
  }

  /// - parameter earlier: The scorers before it, on which a default name depends.
  private init(_ record: ScorerRecord, after earlier: [ScoreTable.Scorer]) throws {
    let count = earlier.count { $0.id == record.id }
    let side = try record.side.map { side in
      guard let known = Recipe.Side(rawValue: side) else {
        throw Failure(.badData, "the 'side' of the scorer '\(record.id)' is neither 'low' nor 'both'")
      }
      return known
    }
    var scale: Scale?
    if let mean = record.anchorMean, let deviation = record.anchorDeviation {
      let between = record.deviationBetweenClients ?? 0
      guard between >= 0 else {
        throw Failure(.badData, "the scorer '\(record.id)' has clients with a negative deviation")
      }
      scale = Scale(mean: mean, deviation: deviation, between: between)
    }
    self.init(
      id: record.id, name: record.name ?? (count == 0 ? record.id : "\(record.id)-\(count + 1)"),
      version: record.version, parameters: record.parameters, weight: record.weight, side: side, scale: scale)
  }
}
