import Records

/// The scores of one client's samples, as thresholds see them.
struct ScoredSamples {
  let client: String
  var kept: [Double] = []
  var dropped: [Double] = []
  /// Scores without a decision, because the run selects nothing.
  var undecided: [Double] = []
  var anchors: [Double] = []
  /// Why samples could not be scored, with counts.
  var unscored: [String: Int] = [:]

  var training: [Double] { kept + dropped + undecided }

  /// The rows of `scores.jsonl`, client by client.
  ///
  /// - parameter calibrating: Whether to scale each client's scores by its own anchors, as `select.calibrate: client` does
  ///   before it sets thresholds; the rows have scores from before that, but shortfalls on that scale.
  static func all(in rows: [ScoreRecord], calibrating: Bool) -> [ScoredSamples] {
    var places: [String: Int] = [:]
    var all: [ScoredSamples] = []
    var hasShortfalls = false
    for row in rows {
      let place = places[row.client] ?? all.count
      if place == all.count {
        places[row.client] = place
        all.append(ScoredSamples(client: row.client))
      }
      let shortfalls = calibrating ? row.shortfalls?.map(\.value) : nil
      hasShortfalls = hasShortfalls || shortfalls != nil
      all[place].add(row, shortfalls)
    }
    return calibrating && !hasShortfalls ? all.map { $0.calibrated() } : all
  }

  private mutating func add(_ row: ScoreRecord, _ shortfalls: [Double]?) {
    guard row.split == "train" || row.split == "anchor" else { return }
    guard let score = shortfalls?.reduce(0, +) ?? row.score else {
      unscored[row.reason ?? "no reason given", default: 0] += 1
      return
    }
    switch (row.split, row.isKept) {
    case ("anchor", _): anchors.append(score)
    case (_, true): kept.append(score)
    case (_, false): dropped.append(score)
    default: undecided.append(score)
    }
  }

  /// (S − mean) / deviation, by the anchors.
  private func calibrated() -> ScoredSamples {
    let mean = anchors.reduce(0, +) / Double(anchors.count)
    let squares = anchors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(anchors.count - 1)).squareRoot()
    var copy = self
    for group in [\ScoredSamples.kept, \.dropped, \.undecided, \.anchors] {
      copy[keyPath: group] = copy[keyPath: group].map { ($0 - mean) / deviation }.filter(\.isFinite)
    }
    return copy
  }
}

/// The quantile of sorted values, interpolated linearly.
func quantile(_ share: Double, of sorted: [Double]) -> Double {
  let place = share * Double(sorted.count - 1)
  let (below, above) = (sorted[Int(place)], sorted[min(sorted.count - 1, Int(place) + 1)])
  let part = place - place.rounded(.down)
  return below * (1 - part) + above * part
}
