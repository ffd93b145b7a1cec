import JSON
import Records
import Tokenizers

/// The lines of files about single samples.
struct SampleRecords {
  let models: [String]
  let tokenizer: Tokenizer?

  private func byModel(_ value: (Int) -> JSONValue) -> JSONValue {
    .object(JSONObject(models.enumerated().map { ($1, value($0)) }))
  }

  private func members(_ origin: SampleOrigin) -> JSONObject {
    [
      "id": .string(origin.id), "domain": .string(origin.domain), "file": .string(origin.file),
      "line": JSONValue(origin.line),
    ]
  }

  /// The results of each model for every sample and question.
  func measured(_ samples: [MeasuredSample], _ questions: [MeasuredQuestion]) -> String {
    let first = samples.map { sample -> JSONValue in
      var object = members(sample.sample.origin)
      object["tokens"] = JSONValue(sample.tokens)
      object["models"] = byModel { model in
        var own: JSONObject = ["loss": .number(sample.losses[model])]
        if let answer = sample.answers.isEmpty ? nil : sample.answers[model] {
          own["exact_match"] = .bool(answer.figures.exactMatch)
          own["f1"] = .number(answer.figures.f1)
          own["rouge_l"] = .number(answer.figures.rougeL)
          own["chrf"] = .number(answer.figures.characters.score)
          own["end"] = .string(answer.end.rawValue)
        }
        return .object(own)
      }
      return .object(object)
    }
    let others = questions.map { question -> JSONValue in
      var object = members(question.question.origin)
      object["answer"] = JSONValue(question.question.answer)
      object["tokens"] = .array(question.tokens.map { JSONValue($0) })
      object["bytes"] = .array(question.question.bytes.map { JSONValue($0) })
      object["models"] = byModel { model in
        var own: JSONObject = ["log_likelihoods": .array(question.likelihoods[model].map { .number($0) })]
        for measure in ChoiceMeasure.allCases {
          own[measure.figure.rawValue] = JSONValue(question.chosen(model, by: measure))
        }
        return .object(own)
      }
      return .object(object)
    }
    return lines(first + others)
  }

  /// For every sample its prompt, the reference, and the models' answers: what a judge needs.
  func answers(_ samples: [MeasuredSample]) -> [MeasureRecord.Example] {
    samples.compactMap { sample in
      guard let asked = sample.sample.asked else { return nil }
      var example = MeasureRecord.Example()
      (example.id, example.domain) = (sample.sample.origin.id, sample.sample.origin.domain)
      (example.prompt, example.reference) = (tokenizer?.decode(asked.prompt) ?? "", asked.reference)
      example.answers = zip(models, sample.answers).map { model, written in
        var answer = MeasureRecord.Answer()
        (answer.text, answer.end, answer.tokens) = (written.text, written.end.rawValue, written.tokens)
        return (model, answer)
      }
      return example
    }
  }

  /// The first answers of each domain.
  func examples(_ samples: [MeasuredSample], each count: Int = 3) -> [MeasureRecord.Example] {
    var seen: [String: Int] = [:]
    return answers(
      samples.filter { sample in
        seen[sample.sample.origin.domain, default: 0] += 1
        return seen[sample.sample.origin.domain, default: 0] <= count
      })
  }

  func lines(_ values: [JSONValue]) -> String { values.map { $0.text() + "\n" }.joined() }
}
