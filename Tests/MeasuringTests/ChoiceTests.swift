import Datasets
import Foundation
import JSON
import Records
import TestSupport
import Testing

@testable import Measuring

/// Multiple choice against transformers and PEFT (Tests/Fixtures/measure/make.py).
@Suite struct ChoiceTests {
  @Test(arguments: ["choices", "chat-choices"]) func likelihoodsOfChoicesAreThoseOfTransformers(_ name: String) throws {
    try withTemporaryFolder { folder in
      var settings = textSettings([("d", fixture("measure/\(name).jsonl"))])
      settings.samplesFile = folder.appending(path: "s.jsonl").path
      let report = try measure(settings)
      let oracle = try json(fixture("measure/choices.json"))
      let questions = try lines(fixture("measure/\(name).jsonl"))
      let rows = try lines(folder.appending(path: "s.jsonl").path)
      #expect(rows.count == questions.count)
      var right = [[0, 0, 0], [0, 0, 0]]
      for (row, question) in zip(rows, questions) {
        let due = try #require(oracle[question["id"]?.stringValue ?? ""])
        #expect(row["tokens"] == due["tokens"])
        let tokens = try #require(due["tokens"]?.arrayValue).compactMap(\.doubleValue)
        let bytes = try #require(question["choices"]?.arrayValue).map { Double($0.stringValue?.utf8.count ?? 0) }
        for (place, (model, key)) in [("base", "base"), ("client", "tuned")].enumerated() {
          let truth = try #require(due[key]?.arrayValue).compactMap(\.doubleValue)
          let own = try #require(row["models"]?[model])
          let found = try #require(own["log_likelihoods"]?.arrayValue).compactMap(\.doubleValue)
          #expect(zip(found, truth).allSatisfy { abs($0 - $1) < 2e-5 * abs($1) } && found.count == truth.count)
          // As lm-evaluation-harness has it: by the sum, and by the mean over the choice's length.
          for (measure, lengths) in [truth.map { _ in 1.0 }, tokens, bytes].enumerated() {
            let scores = zip(truth, lengths).map { $0 / $1 }
            let best = scores.firstIndex(of: scores.max() ?? .nan)
            #expect(own[["sum", "per_token", "per_byte"][measure]]?.intValue == best)
            if best == question["answer"]?.intValue { right[place][measure] += 1 }
          }
        }
      }
      for (place, model) in try report.table(.choices)[0].models.enumerated() {
        for (measure, name) in ([.sum, .perToken, .perByte] as [MeasureRecord.FigureName]).enumerated() {
          #expect(model.figures[name] == .init(.share(right[place][measure], of: questions.count)))
        }
        #expect(model.figures.count == 3)
      }
      #expect(report.tables.map(\.kind) == [.choices])
    }
  }

  @Test func wordsThatMeetAreTold() throws {
    try withTemporaryFolder { folder in
      for (choice, template, count) in [("b", nil, 1), (" b", nil, 0), ("b", Template.chatml, 0)] {
        let path = try write(
          "{\"question\": \"q\", \"choices\": [\" a\", \"\(choice)\"], \"answer\": 0}", to: "q.jsonl", in: folder)
        var settings = textSettings([("d", path)])
        settings.template = template
        #expect(try measure(settings).notes.count { $0.contains("nothing stands between") } == count)
      }
    }
  }

  @Test func ofEqualChoicesTheFirstIsTaken() {
    let origin = SampleOrigin(id: "0", domain: "d", file: "f", line: 1)
    let question = HeldOutQuestion(origin: origin, encoded: [], bytes: [2, 1, 4], answer: 1)
    let measured = MeasuredQuestion(question: question, likelihoods: [[-2, -2, -4]], tokens: [1, 2, 4])
    #expect(ChoiceMeasure.allCases.map { measured.chosen(0, by: $0) } == [0, 1, 0])
    #expect(measured.isRight(0, by: .perToken) && !measured.isRight(0, by: .sum))
  }
}
