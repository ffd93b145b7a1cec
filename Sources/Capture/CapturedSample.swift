import Adapters
import Datasets
import Engine

/// A sample to be measured, and the tokens that the model sees.
package struct CapturedSample: Sendable {
  package internal(set) var sample: Sample

  /// The file and line that it is from.
  package let file: String
  package let line: Int

  /// With the labels for gradients.
  package let learned: EncodedSample

  /// With the labels for losses.
  let measured: EncodedSample

  /// The same without its prompt; nil if it has none.
  let withoutPrompt: EncodedSample?

  /// Why it is not measured; nil if it is.
  package let fault: String?

  init(
    _ tokenized: TokenizedSample, as sample: Sample, from file: String, _ settings: CaptureSettings, _ model: ModelFacts
  ) {
    self.sample = sample
    self.file = file
    line = tokenized.record.line
    learned = tokenized.encoded(settings.loss)
    measured = tokenized.encoded(settings.lossesOver)
    withoutPrompt = tokenized.withoutPrompt(beginOfText: model.beginOfText).map { $0.encoded(settings.lossesOver) }
    fault = tokenized.fault([learned, measured], for: model)
  }
}

extension TokenizedSample {
  /// The sample as the engine takes it, with the tokens of a span as labels.
  package func encoded(_ span: LossSpan) -> EncodedSample {
    EncodedSample(tokens: tokens, labels: zip(tokens, counts(span)).map { $1 ? $0 : EncodedSample.unlearned })
  }

  /// Why a model cannot measure the sample, encoded in one way or several; nil if it can.
  package func fault(_ samples: [EncodedSample], for model: ModelFacts) -> String? {
    let hasAnswer = samples.allSatisfy { $0.labels.contains { $0 != EncodedSample.unlearned } }
    if !hasAnswer, tokens.count <= model.maximumLength {
      return isCut ? "its answer is after the \(tokens.count) tokens that are read" : Self.withoutAnswer
    }
    return samples.lazy.compactMap { $0.fault(for: model.vocabulary, maximumLength: model.maximumLength) }.first
  }

  /// Why a sample without labels is not measured.
  package static let withoutAnswer = "it has no answer"
}

/// What encoding samples needs to know about a model.
package struct ModelFacts: Sendable {
  let vocabulary: Int
  let maximumLength: Int
  let beginOfText: Int32?
}
