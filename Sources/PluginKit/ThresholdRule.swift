/// A function from all scores to the threshold of every client; a sample is kept if its score is at least that.
public protocol ThresholdRule: PluginEntry {
  /// One threshold for each client; the same for all unless the rule is designed to differ.
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
    let values = UnsafeBufferPointer(start: table.values, count: Int(table.count))
    let scored = zip(values, try SampleSplit.known(table.splits, count: values.count))
    train = scored.filter { $0.1 == .train }.map(\.0)
    anchors = scored.filter { $0.1 == .anchor }.map(\.0)
  }
}
