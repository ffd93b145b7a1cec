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
    func encoded(_ tokenized: TokenizedSample, _ span: LossSpan) -> EncodedSample {
      let labels = zip(tokenized.tokens, tokenized.counts(span)).map { $1 ? $0 : EncodedSample.unlearned }
      return EncodedSample(tokens: tokenized.tokens, labels: labels)
    }
    self.sample = sample
    self.file = file
    line = tokenized.record.line
    learned = encoded(tokenized, settings.loss)
    measured = encoded(tokenized, settings.lossesOver)
    withoutPrompt = tokenized.withoutPrompt(beginOfText: model.beginOfText).map { encoded($0, settings.lossesOver) }
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

/// What encoding samples needs to know about a model.
package struct ModelFacts: Sendable {
  let vocabulary: Int
  let maximumLength: Int
  let beginOfText: Int32?
}
