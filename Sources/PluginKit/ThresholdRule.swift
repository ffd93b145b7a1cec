/// A function from all scores to the threshold of every client; a sample is kept when its score is at least that.
public protocol ThresholdRule: PluginEntry {
  /// One threshold for each client; the same for all unless the rule is made to differ.
  func thresholds(_ clients: [ClientScores]) throws -> [Double]
}

/// The scored samples of one client.
public struct ClientScores {
  public let client: String
  public let train: [Double]
  public let anchors: [Double]
  /// For the log and cancellation.
  public let host: Host

  init(_ table: clues_client_scores, host: Host) throws {
    self.host = host
    client = String(cString: table.client)
    for place in 0..<Int(table.count) where table.splits[place] > CLUES_SPLIT_ANCHOR.rawValue {
      throw PluginError("split \(table.splits[place]) is not known here", status: CLUES_UNSUPPORTED)
    }
    let scored = (0..<Int(table.count)).map {
      (value: table.values[$0], split: clues_split(rawValue: table.splits[$0]))
    }
    train = scored.filter { $0.split == CLUES_SPLIT_TRAIN }.map(\.value)
    anchors = scored.filter { $0.split == CLUES_SPLIT_ANCHOR }.map(\.value)
  }
}
