import Adapters
import Datasets
import Engine

/// A sample to be measured, and the tokens that the model sees.
package struct CapturedSample: Sendable {
  package let sample: Sample

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
    fault = Self.fault(of: tokenized, [learned, measured], model)
  }

  /// Why nothing can be learned from a sample.
  private static func fault(of tokenized: TokenizedSample, _ samples: [EncodedSample], _ model: ModelFacts) -> String? {
    let hasAnswer = samples.allSatisfy { $0.labels.contains { $0 != EncodedSample.unlearned } }
    if !hasAnswer, tokenized.tokens.count <= model.maximumLength {
      return tokenized.isCut
        ? "its answer is after the \(tokenized.tokens.count) tokens that are read" : "it has no answer"
    }
    return samples.lazy.compactMap { $0.fault(for: model.vocabulary, maximumLength: model.maximumLength) }.first
  }
}

extension TokenizedSample {
  /// The sample as the engine takes it, with the tokens of a span as labels.
  package func encoded(_ span: LossSpan) -> EncodedSample {
    EncodedSample(tokens: tokens, labels: zip(tokens, counts(span)).map { $1 ? $0 : EncodedSample.unlearned })
  }
}

/// What encoding samples needs to know about a model.
package struct ModelFacts: Sendable {
  let vocabulary: Int
  let maximumLength: Int
  let beginOfText: Int32?
}
