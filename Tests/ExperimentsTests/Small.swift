import Diagnostics
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Experiments
@testable import Recipes

/// Hears how far an experiment is.
final class Listener: Observer {
  private let heard = Mutex<(notes: [String], total: Int, done: Int)>(([], 0, 0))

  /// The steps that were done, as they are called.
  var steps: [String] {
    heard.withLock { $0.notes }.filter { $0.hasPrefix("step ") }.map {
      String($0.split(separator: ":", maxSplits: 1)[1].dropFirst())
    }
  }
  var total: Int { heard.withLock { $0.total } }
  var done: Int { heard.withLock { $0.done } }

  func begin(_ stage: RunStage, total: Int?) { heard.withLock { ($0.total, $0.done) = (total ?? 0, 0) } }
  func advance(_ stage: RunStage, by amount: Int) { heard.withLock { $0.done += amount } }
  func end(_ stage: RunStage) {}
  func note(_ note: Note) { heard.withLock { $0.notes.append(note.text) } }
}

/// An experiment on the model of the fixture of captures, as small as it can be: two clients of 12 samples.
struct SmallExperiment {
  let folder: URL
  private let nouns = [
    "ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay", "kite", "lark", "mole", "newt",
  ]

  init(in folder: URL) throws {
    self.folder = folder
    for (client, what) in [("animals", "lives in"), ("places", "is west of")] {
      var lines = (0..<34).map { number in
        let noun = nouns[number % nouns.count] + (number < nouns.count ? "" : "\(number)")
        return
          "{\"id\": \"\(client)-\(number)\", \"group\": \"\(client)-\(number / 2)\", \"prompt\": \"\(client) \(noun)?\", "
          + "\"completion\": \" \(noun) \(what) Area \(number + 10) and \(nouns[(number * 5 + 3) % nouns.count]).\"}\n"
      }
      for (name, count) in [("train", 12), ("anchor", 6), ("validation", 4), ("test", 8)] {
        try Data(lines.prefix(count).joined().utf8).write(to: folder.appending(path: "\(client)-\(name).jsonl"))
        lines.removeFirst(count)
      }
    }
  }

  static let arms = """
    - {name: all, keep: all}
      - {name: oracle, keep: clean}
      - {name: perplexity, score: {scorer: perplexity}, select: {threshold: anchor-sigma, parameters: {k: 1.5}}}
    """

  func text(arms: String = Self.arms, more: String = "", steps: Int = 4, seeds: String = "[1]") -> String {
    """
    base: \(fixture("capture/base"))
    clients:
    \(["animals", "places"].map { client in
      "  - {name: \(client), train: \(client)-train.jsonl, anchor: \(client)-anchor.jsonl, "
        + "validation: \(client)-validation.jsonl, test: \(client)-test.jsonl}"
    }.joined(separator: "\n"))
    training:
      steps: \(steps)
      batch: 4
      rank: 2
      save_steps: 2
      targets: [q_proj, down_proj]
      learning_rate: 0.01
    corruption:
      shares: [0.5]
      kinds: [shuffle, cut, loop, swap]
    seeds: \(seeds)
    arms:
      \(arms)
    merges:
      - {name: mean, merge: {method: average, rank: same}}
      - {name: ties, weights: kept-share, merge: {method: ties, space: delta, rank: same, parameters: {density: 0.5}}}
    measure: {draws: 100, examples: 1, answer_tokens: 4}
    \(more)
    """
  }

  /// Reads and runs it.
  @discardableResult
  func run(_ text: String, _ output: String, _ listener: Listener = Listener(), threads: Int = 2, jobs: Int = 2) throws
    -> [String: String]
  {
    let path = folder.appending(path: "experiment.yaml").path
    try Data(text.utf8).write(to: URL(filePath: path))
    let output = folder.appending(path: output).path
    _ = try ExperimentRun(
      Experiment.read(path: path), output: output, catalog: builtInCatalog(), observer: listener, threads: threads,
      jobs: jobs
    ).run()
    return try tables(output)
  }

  /// The files that an experiment ends in.
  func tables(_ output: String) throws -> [String: String] {
    try ["experiment.json", "experiment.csv", "experiment.html"].reduce(into: [:]) { tables, name in
      tables[name] = try String(contentsOfFile: "\(output)/\(name)", encoding: .utf8)
    }
  }
}
