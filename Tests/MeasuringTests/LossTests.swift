import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

@testable import Measuring

/// Losses of held-out answers against transformers and PEFT.
@Suite struct LossTests {
  /// Samples of text through template, tokenizer, model and adapter (Tests/Fixtures/capture/make.py).
  @Test func lossesOfTextAreThoseOfTransformers() throws {
    try withTemporaryFolder { folder in
      var settings = textSettings([("tables", fixture("capture/train.jsonl"))])
      settings.samplesFile = folder.appending(path: "samples.jsonl").path
      let listener = Listener()
      let report = try measure(settings, listener)
      // Progress is told while a model is at work, not when it is done with all samples.
      #expect(listener.isWhole && listener.portions(of: .measuring).count > 2)
      let rows = try lines(try #require(settings.samplesFile))
      let expected = try #require(try json(fixture("capture/expected.json"))["train"]?.arrayValue)
      var compared = 0
      for (row, due) in zip(rows, expected) where due != .null {
        #expect(row["tokens"]?.intValue == due["tokens"]?.intValue)
        for (model, key) in [("client", "loss"), ("base", "base_loss")] {
          let (found, truth) = (row["models"]?[model]?["loss"]?.doubleValue, due[key]?.doubleValue)
          #expect(abs(try #require(found) - (try #require(truth))) < 2e-5 * (truth ?? 0))
          compared += 1
        }
      }
      #expect(compared == 4)
      // The figures are those of the records.
      let parts = try report.table(.losses)
      for (place, model) in parts[0].models.enumerated() {
        let losses = rows.map { $0["models"]?[model.name]?["loss"]?.doubleValue ?? .nan }
        let tokens = rows.map { Double($0["tokens"]?.intValue ?? 0) }
        let perToken = zip(losses, tokens).reduce(0) { $0 + $1.0 * $1.1 } / tokens.reduce(0, +)
        for (found, due) in [
          (model.figures[.perToken]?.value, perToken), (model.figures[.perSample]?.value, losses.reduce(0, +) / 4),
          (model.plain[.perplexity], exp(perToken)),
        ] { #expect(abs(try #require(found) / due - 1) < 1e-9) }
        #expect(model.name == ["base", "client"][place])
      }
      #expect(parts.count == 1 && parts[0].domain == "tables")
      #expect(report.models.map(\.step) == [nil, 3])
    }
  }

  /// Samples of tokens, of every family (Tests/Fixtures/models/make.py).
  @Test(arguments: ["llama3", "mistral", "qwen2", "qwen3"]) func lossesOfTokensAreThoseOfTransformers(_ family: String)
    throws
  {
    try withTemporaryFolder { folder in
      let samples = try #require(try json(fixture("models/\(family)/oracle.json"))["samples"]?.arrayValue)
      let text = samples.map { sample in
        let row = JSONObject([("input_ids", sample["input_ids"] ?? .null), ("labels", sample["labels"] ?? .null)])
        return JSONValue.object(row).text() + "\n"
      }
      var settings = MeasureSettings(
        inputs: [.init(path: fixture("models/\(family)/adapter"), name: "tuned")], base: fixture("models/\(family)"),
        data: [
          ("one", try write(text[..<2].joined(), to: "a.jsonl", in: folder)),
          (nil, try write(text[2...].joined(), to: "two.jsonl", in: folder)),
        ])
      settings.samplesFile = folder.appending(path: "s.jsonl").path
      let report = try measure(settings)
      let rows = try lines(folder.appending(path: "s.jsonl").path)
      #expect(rows.map { $0["id"]?.stringValue } == ["one-0", "one-1", "two-0", "two-1"])
      for (row, due) in zip(rows, samples) {
        for (model, key) in [("tuned", "loss"), ("base", "base_loss")] {
          let truth = try #require(due[key]?.doubleValue)
          let found = row["models"]?[model]?["loss"]?.doubleValue ?? .nan
          #expect(abs(found - truth) < 2e-5 * truth)
        }
      }
      let parts = try report.table(.losses)
      #expect(parts.map(\.domain) == ["one", "two", nil] && parts.map(\.samples) == [2, 2, 4])
      #expect(parts[2].tokens == parts[0].tokens! + parts[1].tokens!)
      let values = try parts[2].models.map { try #require($0.figures[.perToken]?.value) }
      let gap = try #require(parts[2].differences[0].figures[.perToken]?.value)
      #expect(abs(values[1] - values[0] - gap) < 1e-12)
      #expect(parts[2].differences.map { [$0.model, $0.against] } == [["tuned", "base"]])
    }
  }

  @Test func filesAndFiguresHaveTheSameBytesForAnyNumberOfThreads() throws {
    try withTemporaryFolder { folder in
      func all(_ threads: Int) throws -> [String] {
        var settings = textSettings([
          ("text", fixture("capture/train.jsonl")), ("choice", fixture("measure/choices.jsonl")),
        ])
        settings.template = nil
        settings.answerTokens = 12
        settings.threads = threads
        settings.replaces = true
        settings.samplesFile = folder.appending(path: "s.jsonl").path
        settings.answersFile = folder.appending(path: "a.jsonl").path
        settings.page = folder.appending(path: "p.html").path
        var data = settings.data
        data[0].path = try write(
          String(contentsOfFile: fixture("capture/train.jsonl"), encoding: .utf8).split(separator: "\n")
            .filter { !$0.contains("No answer") }.joined(separator: "\n"), to: "t.jsonl", in: folder)
        settings.data = data
        let report = try measure(settings)
        return [report.json.text()]
          + (try ["s.jsonl", "a.jsonl", "p.html"].map {
            try String(contentsOf: folder.appending(path: $0), encoding: .utf8)
          })
      }
      let one = try all(1)
      #expect(try all(2) == one && all(5) == one)
      #expect(one[3].contains("</svg>") && one[2].contains("\"reference\""))
    }
  }

  @Test func samplesOfAGroupAreDrawnTogether() throws {
    try withTemporaryFolder { folder in
      func width(_ group: (Int) -> String) throws -> Double? {
        let rows = (0..<12).map { "{\"prompt\": \"a\($0 % 3)\", \"completion\": \" b\($0 % 3)\"\(group($0))}\n" }
        let report = try measure(textSettings([("d", try write(rows.joined(), to: "g.jsonl", in: folder))]))
        #expect(!report.notes.contains { $0.contains("not used") })
        return try report.table(.losses)[0].models[0].figures[.perSample]?.interval.map {
          $0.upperBound - $0.lowerBound
        }
      }
      let apart = try #require(try width { _ in "" })
      let together = try #require(try width { ", \"group\": \($0 % 3)" })
      #expect(together > 1.5 * apart && apart > 0)
      // One group drawn anew is the same group.
      #expect(try width { _ in ", \"group\": \"g\"" } == nil)
    }
  }

  @Test func adaptersStandBesideEachOther() throws {
    var settings = textSettings([(nil, fixture("capture/train.jsonl"))])
    settings.inputs = ["a", "b"].map { .init(path: fixture("capture/client"), name: $0) }
    settings.measuresBase = false
    let part = try measure(settings).table(.losses)[0]
    #expect(part.models.map(\.name) == ["a", "b"] && part.domain == "train")
    #expect(part.differences.map { [$0.model, $0.against] } == [["b", "a"]])
    #expect(
      part.differences[0].figures.values.map { [$0.value, $0.interval?.lowerBound, $0.interval?.upperBound] } == [
        [0, 0, 0], [0, 0, 0],
      ])
  }
}
