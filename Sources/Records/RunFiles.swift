/// The files that record a run, below its folder.
package enum RunFiles {
  package static let record = "clues/run.json"
  package static let report = "clues/report.html"
  package static let scores = "clues/scores.jsonl"
  package static let scoresOrigin = "clues/scores.origin.json"
  package static let threshold = "clues/threshold.json"

  /// The ids of the samples that a selection keeps of a client.
  package static func selected(of client: String) -> String { "clues/selected/\(client).txt" }
}
