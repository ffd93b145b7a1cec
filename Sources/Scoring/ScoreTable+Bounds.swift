import Diagnostics

extension ScoreTable {
  /// The largest score, either sign: with such the squares that deviations are made of stay finite.
  ///
  /// What scorers make of evidence within its ranges stays far below.
  static let largest = 1e100

  /// The table, if means and deviations can be taken of all its scores.
  ///
  /// - throws: ``Failure`` `badData` that names client, sample and scorer.
  package func checked() throws -> ScoreTable {
    for row in rows { try row.checkSize(scorers.map(\.id).joined(separator: " + ")) }
    return self
  }
}

extension ScoreTable.Row {
  /// - parameter scorer: Whose the scores are, if that is known.
  func checkSize(_ scorer: String = "") throws {
    let all: [(text: String, score: Double?)] =
      [("the score" + (scorer.isEmpty ? "" : " by \(scorer)"), score.value)]
      + checkpoints.map { ("the score at checkpoint \($0.step)", $0.score) }
      + parts.map { ("the score by \($0.scorer)", $0.score) }
    guard let (text, score) = all.first(where: { abs($0.score ?? 0) > ScoreTable.largest }) else { return }
    throw Failure(
      .badData, "\(text) of the \(split) sample '\(id)' is \(score ?? 0), beyond \(ScoreTable.largest)",
      advice: "no mean or deviation can be taken of such scores: look what the sample was measured with", client: client
    )
  }
}
