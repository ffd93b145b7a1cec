import Diagnostics

extension ScoreTable {
  /// The largest absolute score, with which the squares in deviations stay finite.
  ///
  /// Scores from evidence within its ranges stay far below.
  static let largest = 1e100

  /// The table, if all its scores allow means and deviations.
  ///
  /// - throws: ``Failure`` `badData` that names client, sample and scorer.
  package func checked() throws -> ScoreTable {
    for row in rows { try row.checkSize(scorers.map(\.id).joined(separator: " + ")) }
    return self
  }
}

extension ScoreTable.Row {
  /// - parameter scorer: The scorer, if known.
  func checkSize(_ scorer: String = "") throws {
    let all: [(text: String, score: Double?)] =
      [("the score" + (scorer.isEmpty ? "" : " by \(scorer)"), score.value)]
      + checkpoints.map { ("the score at checkpoint \($0.step)", $0.score) }
      + parts.map { ("the score by \($0.scorer)", $0.score) }
    guard let (text, score) = all.first(where: { abs($0.score ?? 0) > ScoreTable.largest }) else { return }
    throw Failure(
      .badData, "\(text) of the \(split) sample '\(id)' is \(score ?? 0), beyond \(ScoreTable.largest)",
      advice: "such scores have no mean or deviation: check the measurements of this sample", client: client
    )
  }
}
