import Datasets
import Diagnostics

/// The inputs, settings and output of a capture.
package struct CaptureSettings: Sendable {
  /// The client's folder as the Trainer wrote it.
  package var client: String

  /// The base model: a Hugging Face folder or a GGUF file.
  package var base: String

  /// The files of samples.
  package var train: [String]
  package var anchor: String?
  package var validation: [(domain: String, path: String)]

  /// A file of ids, one per line, as `clues select` writes it; only these training samples are used.
  package var keep: String?

  /// The client's own domain, for samples without one; nil to derive it from the client's files and name.
  package var domain: String?

  /// The adapter to use if there are several.
  package var adapter: String?

  /// The steps; nil for all.
  package var checkpoints: [Int]?

  /// The template of samples that need one; nil for the one that the model's tokenizer specifies.
  package var template: Template?

  /// The tokens for the gradients, as in training.
  package var loss = LossSpan.answer

  /// The tokens over which losses are measured.
  package var measuredLoss: LossSpan?

  /// Tokens beyond this number are cut off; if nil, samples longer than the model allows are unscored.
  package var maximumLength: Int?

  /// Whether the gradients themselves are also written.
  package var writesGradients = false

  /// A new bundle; nil for the client's own folder.
  package var output: String?

  /// Whether existing evidence may be replaced.
  package var replaces = false

  package var threads = 1
  package var limits = Limits()

  package init(
    client: String, base: String, train: [String], anchor: String?, validation: [(domain: String, path: String)]
  ) {
    self.client = client
    self.base = base
    self.train = train
    self.anchor = anchor
    self.validation = validation
  }

  package var lossesOver: LossSpan { measuredLoss ?? loss }
}
