import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

@testable import Experiments
@testable import Recipes

/// The files that experiments are described in.
@Suite struct ExperimentFileTests {
  private func read(_ text: String, in folder: URL, _ overrides: [String] = []) throws -> Experiment {
    let path = try folder.file("e.yaml", Array(text.utf8))
    return try Experiment.read(path: path, overrides: overrides.map { try Override($0) })
  }

  @Test func `it reads back as it is written`() throws {
    try withTemporaryFolder { folder in
      let text = try SmallExperiment(in: folder).text(more: "thresholds: [{threshold: anchor-mean}]")
      let experiment = try read(text, in: folder)
      #expect(experiment.training.value.steps?.value == 4 && experiment.arms.count == 3)
      let again = try read(experiment.jsonValue.text(), in: folder)
      #expect(again.jsonValue == experiment.jsonValue)
      let changed = try read(text, in: folder, ["training.steps=9", "seeds=[3, 4]", "corruption.shares=[0, 1]"])
      #expect(changed.training.value.steps?.value == 9 && changed.seeds.map(\.value) == [3, 4])
    }
  }

  @Test(arguments: [
    ("training:", "trainign:", "unknown key 'trainign' in the experiment", "training"),
    ("batch: 4", "bach: 4", "unknown key 'bach'", "batch"), ("steps: 4", "lr: 4", "unknown key 'lr'", "learning_rate"),
    ("kinds: [shuffle", "kinds: [shufle", "'shufle'", "shuffle"), ("shares: [0.5]", "shares: [1.5]", "at most 1", nil),
    ("shares: [0.5]", "shares: [-0.5]", "from 0 to 1", nil), ("name: oracle", "name: all", "twice", "another name"),
    ("keep: clean", "keep: clean, recipe: r.yaml", "in one way", "'recipe'"),
    ("keep: clean", "keep: good", "must be 'all' or 'clean'", nil),
    ("steps: 4", "steps: 4\n  epochs: 2", "mutually exclusive", "one of them"),
    (", select: {threshold: anchor-sigma, parameters: {k: 1.5}}", "", "go together", nil),
    ("test: animals-test.jsonl", "test: animals-test.jsonl, corruption_factor: -1", "must not be negative", nil),
    ("weights: kept-share", "weights: kept", "must be", nil),
    ("seeds: [1]", "seeds: [1, 1]", "twice", nil), ("measure:", "seed: 3\nmeasure:", "unknown key 'seed'", "seeds"),
  ])
  func `what is not the language is refused with a suggestion`(
    _ part: String, _ other: String, _ message: String, _ advice: String?
  ) throws {
    try withTemporaryFolder { folder in
      let text = try SmallExperiment(in: folder).text()
      #expect(text.contains(part))
      let refusal = try failure { try read(text.replacing(part, with: other, maxReplacements: 1), in: folder) }
      #expect(refusal.kind == .badRecipe && refusal.message.contains(message), "\(refusal)")
      #expect(refusal.position != nil)
      if let advice { #expect(refusal.advice?.contains(advice) == true, "\(refusal)") }
    }
  }

  @Test(arguments: [
    ("scorer: perplexity", "scorer: perplexty", "perplexty"), ("method: average", "method: averge", "averge"),
    ("parameters: {k: 1.5}", "parameters: {kk: 1.5}", "kk"), ("density: 0.5", "density: 7", "density"),
    ("steps: 4", "steps: 4\n  dropout: 1", "dropout"), ("steps: 4", "steps: 4\n  template: alpacka", "alpaca"),
    ("test: animals-test.jsonl", "test: animals-test.jsonl, corruption_factor: 2.5", "more than all samples"),
    ("test: animals-test.jsonl", "test: animals-test.jsonl, samples: 13", "its file has 12"),
    ("name: oracle", "name: base", "base model"), ("draws: 100", "draws: 100001", "at most 100000"),
    ("examples: 1", "examples: 9223372036854775807", "at most 1000"),
    ("steps: 4", "steps: 9223372036854775807", "at least one step"),
    ("batch: 4", "batch: 9223372036854775807", "batch"),
  ])
  func `what no plugin or training takes is refused before any work`(
    _ part: String, _ other: String, _ words: String
  ) throws {
    try withTemporaryFolder { folder in
      let small = try SmallExperiment(in: folder)
      let text = small.text()
      #expect(text.contains(part))
      let refusal = try failure { try small.run(text.replacing(part, with: other, maxReplacements: 1), "out") }
      #expect("\(refusal)".contains(words) && refusal.position != nil, "\(refusal)")
      #expect(refusal.file?.hasSuffix("experiment.yaml") == true)
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "out").path))
    }
  }

  @Test(arguments: ["small", "paper", "weights"]) func `the experiments that ship are right`(_ name: String) throws {
    let path = repository.appending(path: "experiments/\(name).yaml").path
    let experiment = try Experiment.read(path: path)
    #expect(experiment.clients.map(\.value.name.value) == ["medical", "financial", "multilingual"])
    #expect(experiment.arms.contains { $0.value.keep?.value == .all })
    #expect(experiment.arms.contains { $0.value.keep?.value == .clean })
    for arm in experiment.arms {
      let recipe = try experiment.recipe(of: arm, clients: [("a", "a")], seed: 1)
      #expect((recipe == nil) == (arm.value.keep != nil))
    }
  }

  @Test func `the document's example is an experiment`() throws {
    let text = try String(contentsOf: repository.appending(path: "Documentation/Experiment.md"), encoding: .utf8)
    let blocks = text.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
    #expect(blocks.count == 1)
    for kind in Experiment.BadKind.allCases { #expect(text.contains("`\(kind.rawValue)`"), "\(kind)") }
    try withTemporaryFolder { folder in
      for block in blocks {
        let arms = try read(block, in: folder).arms
        #expect(arms.count == 4)
      }
    }
  }

  @Test func `no group of the data that ship is in two files, and all have their licence`() throws {
    let folder = repository.appending(path: "experiments/data")
    var (size, ids) = (0, Set<String>())
    for client in ["medical", "financial", "multilingual"] {
      var places: [String: String] = [:]
      for part in ["train", "anchor", "validation", "test"] {
        let path = folder.appending(path: "\(client)/\(part).jsonl").path
        size += try Data(contentsOf: URL(filePath: path)).count
        let rows = try AnsweredRow.all(in: path, limits: Limits())
        #expect(rows.count >= 12)
        for row in rows {
          #expect(ids.insert(row.id).inserted)
          let group = try #require(row.group)
          #expect(places.updateValue(part, forKey: group).map { $0 == part } ?? true, "\(group)")
        }
      }
    }
    #expect(size < 300_000)
    for (name, words) in [("WordNet", "Princeton University"), ("Django", "Django Software Foundation")] {
      let text = try String(contentsOf: folder.appending(path: "LICENSE.\(name)"), encoding: .utf8)
      #expect(text.contains(words) && text.contains("opyright"))
    }
  }
}
