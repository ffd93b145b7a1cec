import Diagnostics
import Foundation
import JSON
import Measuring
import Records
import TestSupport
import Testing

@testable import Experiments
@testable import Recipes

/// Whole experiments on a tiny model.
@Suite struct ExperimentRunTests {
  @Test func `one run gives all tables, a second one does nothing, and threads change nothing`() throws {
    try withTemporaryFolder { folder in
      let small = try SmallExperiment(in: folder)
      let listener = Listener()
      let text = small.text(more: "thresholds: [{threshold: anchor-mean}, {threshold: otsu}]")
      let tables = try small.run(text, "one", listener)
      #expect(listener.total > 0 && listener.done <= listener.total && listener.done > listener.total / 2)
      #expect(Set(listener.steps).count == listener.steps.count)

      let json = try JSONReader().read(try #require(tables["experiment.json"]))
      let record = try ExperimentRecord(document: json)
      #expect(
        record.arms.map(\.name) == ["all", "oracle", "perplexity"] && record.merges.map(\.name) == ["mean", "ties"])
      // The base model, and 3 arms by own adapters and 2 merges; over all samples and by client.
      #expect(record.losses.count == 3 + 3 * 3 * 3)
      for row in record.losses {
        let loss = try #require(row.loss.value)
        #expect((0.5...20).contains(loss))
        let interval = try #require(row.loss.interval)
        #expect(interval[0] <= loss && loss <= interval[1])
      }
      let oracle = try #require(record.losses.first { $0.arm == "oracle" && $0.merge == nil && $0.client == nil })
      #expect(oracle.recovered?.value == 1)
      // The arm's own rule and two others, over all clients and each.
      #expect(record.selections.count == 9 && Set(record.selections.map(\.rule)) == [nil, "anchor-mean", "otsu"])
      let own = try #require(record.selections.first { $0.rule == nil && $0.client == nil })
      #expect(Set(own.kept.map(\.key)).isSubset(of: ["shuffle", "cut", "loop", "swap"]) && !own.kept.isEmpty)
      #expect(own.figures["accuracy"]?.value != nil && own.figures["auroc"]?.value != nil)
      #expect(
        record.examples.count == 2 && record.examples[0].answers.map(\.key) == ["base", "all", "oracle", "perplexity"])
      let page = try #require(tables["experiment.html"])
      for words in ["won back", "Threshold rules", "Sample answers", "</svg>", "perplexity"] {
        #expect(page.contains(words), "\(words)")
      }
      #expect(!page.contains("<script"))
      let lines = try #require(tables["experiment.csv"]).split(separator: "\n")
      #expect(
        lines.count > 60 && Set(lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }) == [12])

      let second = Listener()
      #expect(try small.run(text, "one", second) == tables)
      #expect(second.steps.isEmpty && second.total == 0)
      #expect(try small.run(text, "two", threads: 3, jobs: 1) == tables)
      #expect(try small.run(text, "three", threads: 1, jobs: 4) == tables)
    }
  }

  @Test func `a changed experiment does only what the change concerns`() throws {
    try withTemporaryFolder { folder in
      let small = try SmallExperiment(in: folder)
      try small.run(small.text(), "out")
      let more = Listener()
      let arms = SmallExperiment.arms + "\n  - {name: ifd, score: {scorer: ifd}, select: {threshold: anchor-sigma}}"
      try small.run(small.text(arms: arms), "out", more)
      let kinds = Set(more.steps.compactMap { $0.split(separator: " ").first.map(String.init) })
      #expect(!kinds.contains("corrupt") && !kinds.contains("capture") && kinds.contains("select"))
      #expect(more.steps.allSatisfy { !$0.contains("perplexity") && !$0.contains("oracle") }, "\(more.steps)")
      let back = Listener()
      try small.run(small.text(), "out", back)
      #expect(back.steps.isEmpty)
      let longer = Listener()
      try small.run(small.text(steps: 5), "out", longer)
      #expect(
        longer.steps.contains { $0.hasPrefix("train animals on 12") }
          && !longer.steps.contains { $0.hasPrefix("corrupt") })
      // Another answer in the data of one client concerns the other's bad samples, too, but not the base model.
      let path = folder.appending(path: "animals-train.jsonl")
      let data = try String(contentsOf: path, encoding: .utf8).replacing("Area 10", with: "Area 99")
      try Data(data.utf8).write(to: path)
      let changed = Listener()
      try small.run(small.text(), "out", changed)
      #expect(changed.steps.count { $0.hasPrefix("corrupt") } == 2 && !changed.steps.contains("measure the base model"))
    }
  }

  @Test func `arms that keep the same are trained once, and one that keeps nothing leaves the base model`() throws {
    try withTemporaryFolder { folder in
      let small = try SmallExperiment(in: folder)
      let listener = Listener()
      let arms = """
        - {name: all, keep: all}
          - {name: everything, score: {scorer: perplexity}, select: {threshold: fixed, parameters: {value: -1000000}}}
          - {name: nothing, score: {scorer: perplexity}, select: {threshold: fixed, parameters: {value: 1000000}}}
        """
      let tables = try small.run(small.text(arms: arms), "out", listener)
      #expect(listener.steps.count { $0.hasPrefix("train") } == 2)
      let record = try ExperimentRecord(document: JSONReader().read(try #require(tables["experiment.json"])))
      func loss(_ arm: String?, _ merge: String?) -> Double? {
        record.losses.first { $0.arm == arm && $0.merge == merge && $0.client == nil }?.loss.value
      }
      #expect(loss("everything", "mean") == loss("all", "mean") && loss("everything", nil) == loss("all", nil))
      #expect(loss("nothing", "ties") == loss(nil, nil) && loss("nothing", nil) == loss(nil, nil))
      #expect(loss("all", nil) != loss(nil, nil))
      let nothing = try #require(record.selections.first { $0.arm == "nothing" && $0.client == nil })
      #expect(nothing.figures["precision"]?.value == nil && nothing.figures["recall"]?.value == 0)
    }
  }

  @Test func `gradients are there until all is scored, and measured again where another scorer needs them`() throws {
    try withTemporaryFolder { folder in
      let small = try SmallExperiment(in: folder)
      let arms = SmallExperiment.arms + "\n  - {name: datainf, score: {scorer: datainf}, select: {threshold: otsu}}"
      let text = small.text(arms: arms, more: "thresholds: [{threshold: anchor-mean}]")
      let due = try small.run(text, "whole")
      func gradients(_ output: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.appending(path: output).path).filter {
          $0.contains("gradients")
        }
      }
      #expect(try gradients("whole").isEmpty)
      let record = try ExperimentRecord(document: JSONReader().read(try #require(due["experiment.json"])))
      #expect(record.selections.contains { $0.arm == "datainf" && $0.rule == "anchor-mean" })

      // First without the scorer that needs them.
      try small.run(small.text(), "more")
      let listener = Listener()
      #expect(try small.run(text, "more", listener) == due)
      #expect(
        listener.steps.count { $0.hasPrefix("capture") } == 2 && !listener.steps.contains { $0.hasPrefix("corrupt") })
      #expect(try gradients("more").isEmpty)
      // Nothing is measured again for another merge.
      let back = Listener()
      #expect(try small.run(text, "more", back) == due && back.steps.isEmpty)
    }
  }

  @Test func `weights are those of the rules, and clients may differ in number and quality of samples`() throws {
    try withTemporaryFolder { folder in
      let small = try SmallExperiment(in: folder)
      let rules = ["equal", "samples", "kept-samples", "kept-share", "kept-score"]
      let merges = rules.map { "  - {name: \($0), weights: \($0), merge: {method: average, rank: same}}" }
      let text = small.text().replacing(
        /(?s)merges:\n.*?measure:/,
        with: { _ in
          "merges:\n" + merges.joined(separator: "\n") + "\nmeasure:"
        }
      ).replacing("places-test.jsonl}", with: "places-test.jsonl, samples: 6, corruption_factor: 0.4}")
      let tables = try small.run(text, "out")
      let record = try ExperimentRecord(document: JSONReader().read(try #require(tables["experiment.json"])))
      #expect(record.clients.map(\.train) == [12, 6] && record.clients.map(\.corruptionFactor) == [nil, 0.4])
      let labels = try String(contentsOf: folder.appending(path: "out/labels/share-0.5-seed-1.jsonl"), encoding: .utf8)
      let bad = labels.split(separator: "\n").filter { $0.contains("\"kind\"") }
      #expect(bad.count { $0.contains("animals") } == 6 && bad.count { $0.contains("places") } == 1)
      #expect(try #require(tables["experiment.html"]).contains("times the bad share"))

      // Every weight as it is written into the recipe of its merge.
      let steps = folder.appending(path: "out/steps")
      var weights: [String: [Double]] = [:]
      for name in try FileManager.default.contentsOfDirectory(atPath: steps.path) where name.hasPrefix("merge-") {
        let data = try String(contentsOf: steps.appending(path: "\(name)/step.json"), encoding: .utf8)
        let step = try #require(try JSONReader().read(data).objectValue)
        let title = step["title"]?.stringValue ?? ""
        weights[title] = step["made_of"]?.objectValue?["weights"]?.arrayValue?.compactMap(\.doubleValue)
      }
      func close(_ title: String, _ ratio: Double) {
        let found = weights["merge \(title), 50 % bad, seed 1"] ?? []
        #expect(found.count == 2 && abs(found[0] / found[1] / ratio - 1) < 1e-12, "\(title): \(found)")
      }
      close("samples of all", 2)
      close("kept-samples of oracle", 6.0 / 5)
      close("kept-share of oracle", 0.5 / (5.0 / 6))
      let own = try #require(record.selections.first { $0.arm == "perplexity" && $0.rule == nil && $0.client == nil })
      let threshold = try #require(own.figures["threshold"]?.value)
      let select = try #require(
        FileManager.default.contentsOfDirectory(atPath: steps.path).first { $0.hasPrefix("select-") })
      let scores = try String(contentsOf: steps.appending(path: "\(select)/clues/scores.jsonl"), encoding: .utf8)
      let excess = try scores.split(separator: "\n").reduce(into: [String: Double]()) { excess, line in
        let row = try #require(try JSONReader().read(String(line)).objectValue)
        guard row["kept"] == true, let score = row["score"]?.doubleValue else { return }
        excess[row["client"]?.stringValue ?? "", default: 0] += score - threshold
      }
      close("kept-score of perplexity", try #require(excess["animals"]) / (try #require(excess["places"])))
    }
  }

  @Test func `several seeds have a mean and Student's interval`() throws {
    try withTemporaryFolder { folder in
      let small = try SmallExperiment(in: folder)
      let arms = "- {name: all, keep: all}\n  - {name: oracle, keep: clean}"
      let both = try small.run(small.text(arms: arms, seeds: "[1, 2]"), "both")
      let record = try ExperimentRecord(document: JSONReader().read(try #require(both["experiment.json"])))
      let row = try #require(record.losses.first { $0.arm == "oracle" && $0.merge == "ties" && $0.client == nil })
      var single: [Double] = []
      for seed in [1, 2] {
        let one = try small.run(small.text(arms: arms, seeds: "[\(seed)]"), "both")
        let record = try ExperimentRecord(document: JSONReader().read(try #require(one["experiment.json"])))
        single.append(
          try #require(record.losses.first { $0.arm == "oracle" && $0.merge == "ties" && $0.client == nil }?.loss.value)
        )
      }
      #expect(row.loss.seeds == single && single[0] != single[1])
      // Of two numbers the half width is 12.706 times half of what they are apart.
      let interval = try #require(row.loss.interval)
      let half = 12.706204736432095 * abs(single[0] - single[1]) / 2
      #expect(abs((interval[1] - interval[0]) / 2 - half) < 1e-9 * half)
      #expect(abs(try #require(row.loss.value) - (single[0] + single[1]) / 2) < 1e-12)
    }
  }

  @Test func `what is won back over seeds is the ratio of means with Fieller's interval`() throws {
    let (gains, costs) = ([0.8, 1.1, 0.9, 1.0], [1.0, 1.2, 1.1, 0.9])
    let figure = ExperimentRecord.Figure(gains: gains, costs: costs)
    let value = try #require(figure.value)
    #expect(abs(value - 3.8 / 4.2) < 1e-12 && figure.seeds.count == 4)
    let interval = try #require(figure.interval)
    // At the ends the mean of gain − end · cost is as far from 0 as Student's t allows.
    for end in interval {
      let rests = zip(gains, costs).map { $0 - end * $1 }
      let mean = rests.reduce(0, +) / 4
      let deviation = (rests.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3).squareRoot()
      #expect(abs(abs(mean) / (deviation / 2) - studentQuantile(3)) < 1e-9)
    }
    #expect(interval[0] < value && value < interval[1])
    // A cost that may be nothing has no interval, and one seed has that of its draws.
    #expect(ExperimentRecord.Figure(gains: [1, 2], costs: [0.1, -0.1]).interval == nil)
    #expect(ExperimentRecord.Figure(gains: [1], costs: [2], drawn: Estimate(0.5, 0.4, 0.6)).interval == [0.4, 0.6])
  }

  @Test func `quantiles of Student's t are those of tables`() {
    for (freedom, value) in [(1, 12.706), (2, 4.303), (9, 2.262), (10, 2.228), (15, 2.131), (30, 2.042), (120, 1.980)] {
      #expect(abs(studentQuantile(freedom) - value) < 6e-4, "\(freedom)")
    }
  }

  @Test func `folders of others are left alone`() throws {
    try withTemporaryFolder { folder in
      let small = try SmallExperiment(in: folder)
      _ = try folder.appending(path: "out").fill(["letter.txt": "mine"])
      expectFailure(.cannotWrite, "something else") { try small.run(small.text(), "out") }
      let store = try StepStore(folder.appending(path: "busy").path)
      expectFailure(.cannotWrite, "another experiment") { try small.run(small.text(), "busy") }
      _ = store.path
    }
  }
}
