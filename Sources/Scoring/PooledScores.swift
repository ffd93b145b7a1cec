import Diagnostics
import JSON

extension ScoreTable {
  /// Reads one file of scores, or pools several.
  package init(files paths: [String], limits: Limits = Limits()) throws {
    self =
      try paths.count == 1 ? ScoreTable(path: paths[0], limits: limits) : ScoreTable(pooling: paths, limits: limits)
  }

  /// Reads scores that several clients computed locally, as if one run had scored them all.
  ///
  /// Scores of several scorers come without totals: totals depend on the scale of the anchors, which are now those of all
  /// files. ``standardised()`` recomputes them.
  ///
  /// - throws: ``Failure`` `badData` if two files have the same client, or scores of different scorers.
  package init(pooling paths: [String], limits: Limits = Limits()) throws {
    guard !paths.contains("-") else {
      throw Failure(
        .usage, "scores on standard input cannot be combined with files",
        advice: "to pool several clients' scores, give files, each with its .origin.json")
    }
    let tables = try paths.map { path in (path: path, table: try ScoreTable(path: path, limits: limits)) }
    var owners: [String: String] = [:]
    for (path, table) in tables {
      for client in table.clients {
        guard let other = owners.updateValue(path, forKey: client) else { continue }
        throw Failure(
          .badData, "has scores of a client that is also in \(other)",
          advice: "give one file per client, and every client its own name (`clues score --client NAME`)",
          client: client, file: path)
      }
    }
    let (scorers, combination) = (tables[0].table.scorers, tables[0].table.combination)
    for (path, table) in tables.dropFirst()
    where table.unscaled != tables[0].table.unscaled || table.combination != combination {
      throw Failure(
        .badData,
        "has scores of \(Self.text(table.scorers, table.combination)), but those in \(tables[0].path) are of "
          + Self.text(scorers, combination),
        advice: "all clients must score with the same recipe, and hand in the .origin.json file with the scores",
        file: path)
    }
    if scorers.isEmpty, let nameless = tables.first(where: { $0.table.rows.contains { !$0.parts.isEmpty } }) {
      throw Failure(
        .badData, "has scores of several scorers, but not how to combine them",
        advice: "hand in the .origin.json file with the scores", file: nameless.path)
    }
    let parts = tables.flatMap { file in file.table.groups.map { (client: $0.client, places: $0.places, file.table) } }
      .sorted { $0.client.utf8.lexicographicallyPrecedes($1.client.utf8) }
    rows = parts.flatMap { $0.2.rows[$0.places] }
    self.scorers = tables[0].table.unscaled
    self.combination = combination
    evidence = JSONObject(
      parts.compactMap { part in part.2.evidence[part.client].map { (part.client, $0) } })
  }

  /// The scorers without the scales of the present anchors.
  private var unscaled: [Scorer] {
    scorers.map { scorer in
      var scorer = scorer
      scorer.scale = nil
      return scorer
    }
  }

  /// Advice for a client whose own anchors are too few for a scale.
  package static let poolingAdvice =
    "the samples have the scores of each scorer but no total; `clues select A.jsonl B.jsonl` computes it from all clients' files"

  /// A warning if the clients' validation domains differ.
  package var domainNote: Note? {
    let domains = Set(evidence.members.compactMap { $0.value.objectValue?["domains"]?.text() })
    guard domains.count > 1 else { return nil }
    return .warning("the clients have different validation domains, so scores that sum over domains differ in scale")
  }

  /// The table with only the anchors, which is all that a threshold from anchors needs.
  ///
  /// - throws: ``Failure`` `badData` when there are none.
  package func anchorsAlone() throws -> ScoreTable {
    var copy = self
    copy.rows = rows.filter(\.isAnchor)
    guard !copy.rows.isEmpty else {
      throw Failure(.badData, "there are no anchors", advice: "omit --anchors-only, or hand in anchor samples")
    }
    return copy
  }
}
