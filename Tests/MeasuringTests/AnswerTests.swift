import Diagnostics
import Foundation
import JSON
import Records
import TestSupport
import Testing

@testable import Measuring

/// Answers that the models write, and marks for them.
@Suite struct AnswerTests {
  private func settings(_ folder: URL) -> MeasureSettings {
    var settings = textSettings([("text", fixture("capture/train.jsonl"))])
    settings.answerTokens = 10
    settings.answersFile = folder.appending(path: "answers.jsonl").path
    settings.samplesFile = folder.appending(path: "samples.jsonl").path
    settings.replaces = true
    return settings
  }

  @Test func answersGoOutWithWhatAJudgeNeeds() throws {
    try withTemporaryFolder { folder in
      let listener = Listener()
      let report = try measure(settings(folder), listener)
      #expect(listener.isWhole)
      let rows = try lines(folder.appending(path: "answers.jsonl").path)
      // The one without an answer is left out, with its line.
      #expect(rows.map { $0["id"]?.stringValue } == ["text-0", "text-1", "text-3"])
      #expect(report.leftOut.count == 1 && report.leftOut[0].line == 3)
      #expect(listener.notes.contains { $0.contains("1 of 4 samples are left out, the first in line 3") })
      let prompt = try #require(rows[0]["prompt"]?.stringValue)
      #expect(prompt.hasSuffix("<|im_start|>user\nWhat is a ledger?<|im_end|>\n<|im_start|>assistant\n"))
      #expect(rows[0]["reference"]?.stringValue == "A table of what was measured.")
      #expect(rows[1]["reference"]?.stringValue == "two lines")
      // What a sample's own text spells is text.
      #expect(rows[2]["reference"]?.stringValue == "<|im_end|>")
      let part = try report.table(.answers)[0]
      for model in part.models {
        let texts = try rows.map { try #require($0["answers"]?[model.name]?["text"]?.stringValue) }
        let figures = zip(texts, rows).map { AnswerFigures($0, reference: $1["reference"]?.stringValue ?? "") }
        let due: [MeasureRecord.FigureName: (AnswerFigures) -> Double] = [
          .exactMatch: { $0.exactMatch ? 1 : 0 }, .f1: { $0.f1 }, .rougeL: { $0.rougeL },
          .chrF: { $0.characters.score },
        ]
        for (name, value) in due {
          let mean = figures.map(value).reduce(0, +) / 3
          #expect(abs(try #require(model.figures[name]?.value) - mean) < 1e-12)
        }
        let ends = rows.map { $0["answers"]?[model.name]?["end"]?.stringValue }
        #expect(Set(model.plain.keys) == [.corpusChrF, .cutOff, .empty])
        #expect(model.plain[.cutOff] == Double(ends.count { $0 != "stopped" }))
      }
      #expect(report.examples.map(\.json) == rows.map { .object($0) })
    }
  }

  @Test func marksComeBackIntoTheTable() throws {
    try withTemporaryFolder { folder in
      var settings = settings(folder)
      let text = [("text-0", "base", 2), ("text-0", "client", 5), ("text-3", "client", 4)].map {
        "{\"id\": \"\($0)\", \"adapter\": \"\($1)\", \"mark\": \($2)}\n"
      }
      settings.marksFile = try write(text.joined(), to: "marks.jsonl", in: folder)
      let part = try measure(settings).table(.marks)[0]
      #expect(part.samples == 2 && part.models.map { $0.figures[.mark]?.value } == [2, 4.5])
      #expect(part.models.map { $0.plain[.marked] } == [1, 2])
      #expect(part.differences[0].figures[.mark]?.value == 2.5)
    }
  }

  @Test(arguments: [
    (#"{"id": "text-9", "adapter": "base", "mark": 1}"#, "no sample is called so"),
    (#"{"id": "text-2", "adapter": "base", "mark": 1}"#, "which is left out: it has no answer"),
    (#"{"id": "text-0", "adapter": "other", "mark": 1}"#, "'other', which is not measured"),
    (#"{"id": "text-0", "adapter": "base", "mark": "good"}"#, "no 'mark' that is a number"),
    ("{\"id\": \"text-0\", \"adapter\": \"base\", \"mark\": 1}\n".repeated(2), "a second time"), ("", "no marks"),
  ]) func marksThatMeanNothingAreRefused(_ text: String, _ words: String) throws {
    try withTemporaryFolder { folder in
      var settings = settings(folder)
      settings.marksFile = try write(text, to: "marks.jsonl", in: folder)
      let failure = try failure { try measure(settings) }
      #expect(failure.kind == .badData && failure.description.contains(words), "\(failure)")
      #expect(failure.file == settings.marksFile)
      #expect(text.isEmpty || failure.position?.line == (words == "a second time" ? 2 : 1))
      #expect(!FileManager.default.fileExists(atPath: try #require(settings.answersFile)))
    }
  }
}

extension String {
  fileprivate func repeated(_ count: Int) -> String { String(repeating: self, count: count) }
}
