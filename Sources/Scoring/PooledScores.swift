import Diagnostics
import JSON

extension ScoreTable {
  /// Reads the scores that several clients made, each where its data is, as if one run had scored them all.
  ///
  /// Scores of several scorers come without totals: these are on the scale of the anchors at hand, and the anchors at
  /// hand are now those of all files. ``standardised()`` makes them anew.
  ///
  /// - throws: ``Failure`` `badData` when two files hold the same client, or scores of different scorers.
  package init(pooling paths: [String], limits: Limits = Limits()) throws {
    guard !paths.contains("-") else {
      throw Failure(
        .usage, "scores on standard input go alone",
        advice: "several clients' scores are files, each with the .origin.json that says how they came about")
    }
    let tables = try paths.map { path in (path: path, table: try ScoreTable(path: path, limits: limits)) }
    var owners: [String: String] = [:]
    for (path, table) in tables {
      for client in table.clients {
        guard let other = owners.updateValue(path, forKey: client) else { continue }
        throw Failure(
          .badData, "holds scores of a client that \(other) holds too",
          advice: "give one file a client, and every client a name of its own (`clues score --client NAME`)",
          client: client, file: path)
      }
    }
    let (scorers, combination) = (tables[0].table.scorers, tables[0].table.combination)
    for (path, table) in tables.dropFirst()
    where table.unscaled != tables[0].table.unscaled || table.combination != combination {
      throw Failure(
        .badData,
        "holds scores of \(Self.text(table.scorers, table.combination)), but those in \(tables[0].path) are of "
          + Self.text(scorers, combination),
        advice: "all clients score with one recipe, and hand in the .origin.json file beside the scores", file: path)
    }
    if scorers.isEmpty, let nameless = tables.first(where: { $0.table.rows.contains { !$0.parts.isEmpty } }) {
      throw Failure(
        .badData, "holds scores of several scorers without saying how they are combined",
        advice: "hand in the .origin.json file beside the scores", file: nameless.path)
    }
    let parts = tables.flatMap { file in file.table.groups.map { (client: $0.client, places: $0.places, file.table) } }
      .sorted { $0.client.utf8.lexicographicallyPrecedes($1.client.utf8) }
    rows = parts.flatMap { $0.2.rows[$0.places] }
    self.scorers = tables[0].table.unscaled
    self.combination = combination
    evidence = JSONObject(
      parts.compactMap { part in part.2.evidence[part.client].map { (part.client, $0) } })
  }

  /// The scorers without the scales of the anchors at hand.
  private var unscaled: [Scorer] {
    scorers.map { scorer in
      var scorer = scorer
      scorer.scale = nil
      return scorer
    }
  }

  /// What a client does whose own anchors make no scale.
  package static let poolingAdvice =
    "the samples have the scores of each scorer but no total; `clues select A.jsonl B.jsonl` makes it of all clients' files"

  /// What the validation domains of the clients mean for their scores.
  package var domainNote: Note? {
    let domains = Set(evidence.members.compactMap { $0.value.objectValue?["domains"]?.text() })
    guard domains.count > 1 else { return nil }
    return .warning("the clients have different validation domains, so scores that sum over domains differ in scale")
  }

  /// The table with the anchors alone, which is all that a threshold of the anchors takes.
  ///
  /// - throws: ``Failure`` `badData` when there are none.
  package func anchorsAlone() throws -> ScoreTable {
    var copy = self
    copy.rows = rows.filter(\.isAnchor)
    guard !copy.rows.isEmpty else {
      throw Failure(.badData, "there are no anchors", advice: "leave --anchors-only out, or hand in anchor samples")
    }
    return copy
  }
}
