import Engine
import Records

/// The results of the models for one sample, in model order.
struct MeasuredSample: Sendable {
  let sample: HeldOutSample
  /// The mean over the labels, whose number is the same for all models.
  let losses: [Double]
  let tokens: Int
  /// The generated answers; empty if there are none.
  let answers: [WrittenAnswer]
}

/// A generated answer.
struct WrittenAnswer: Sendable {
  /// Without special tokens, thoughts, and surrounding white space.
  let text: String
  let tokens: Int
  let end: Continuation.End
  let figures: AnswerFigures
}

/// The results of the models for one question with choices.
struct MeasuredQuestion: Sendable {
  let question: HeldOutQuestion
  /// By model and choice: the sum of its tokens' log-probabilities.
  let likelihoods: [[Double]]
  /// The number of tokens of each choice.
  let tokens: [Int]

  /// The likeliest choice of a model, by the sum or the mean over tokens or bytes; the first of equal ones.
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

/// How the choice of a model is determined.
enum ChoiceMeasure: Sendable, CaseIterable {
  case sum, perToken, perByte

  /// The figure that counts right choices.
  var figure: MeasureRecord.FigureName {
    switch self {
    case .sum: .sum
    case .perToken: .perToken
    case .perByte: .perByte
    }
  }
}
