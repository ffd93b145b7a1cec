import PluginKit

/// A threshold that was decided elsewhere.
struct Fixed: ThresholdRule {
  static let id = "fixed"
  static let summary = "A given threshold, in the units of the score."
  static let details = "Samples with at least `value` are kept, whatever the anchors say."

  @Parameter("The threshold; required.") var value: Double? = nil

  func validate() throws {
    if value == nil {
      throw PluginError(
        "fixed needs the parameter 'value', the threshold: in a recipe parameters: {value: 0.1}, else -p value=0.1",
        status: .invalidArgument)
    }
  }

  func thresholds(_ clients: [ClientScores]) throws -> [Double] { clients.map { _ in value ?? .nan } }
}
