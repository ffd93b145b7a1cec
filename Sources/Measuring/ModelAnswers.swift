import Engine

/// What the models made of one sample, in the order of the models.
struct MeasuredSample: Sendable {
  let sample: HeldOutSample
  /// The mean over the labels, of which all models have the same number.
  let losses: [Double]
  let tokens: Int
  /// What they wrote; empty where they were not asked.
  let answers: [WrittenAnswer]
}

/// What a model wrote.
struct WrittenAnswer: Sendable {
  /// Without special tokens, thoughts, and blanks around it.
  let text: String
  let tokens: Int
  let end: Continuation.End
  let figures: AnswerFigures
}

/// What the models made of one question with choices.
struct MeasuredQuestion: Sendable {
  let question: HeldOutQuestion
  /// By model and choice: the sum of the logarithms of its tokens' probabilities.
  let likelihoods: [[Double]]
  /// The tokens of each choice.
  let tokens: [Int]

  /// The likeliest choice of a model: by the sum, by the mean over tokens, or by that over bytes; of equal ones the first.
  func chosen(_ model: Int, by measure: ChoiceMeasure) -> Int {
    let scores = likelihoods[model].indices.map { choice in
      switch measure {
      case .sum: likelihoods[model][choice]
      case .perToken: likelihoods[model][choice] / Double(tokens[choice])
      case .perByte: likelihoods[model][choice] / Double(question.bytes[choice])
      }
    }
    return scores.indices.max { scores[$0] < scores[$1] || scores[$0] == scores[$1] && $0 > $1 } ?? 0
  }

  func isRight(_ model: Int, by measure: ChoiceMeasure) -> Bool { chosen(model, by: measure) == question.answer }
}

/// By what the choice of a model is told.
enum ChoiceMeasure: String, Sendable, CaseIterable {
  case sum
  case perToken = "per_token"
  case perByte = "per_byte"
}
