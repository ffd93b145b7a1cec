import Datasets
import Diagnostics

/// What is to be captured, from what, and where to.
package struct CaptureSettings: Sendable {
  /// The client's folder as the Trainer wrote it.
  package var client: String

  /// The base model: a Hugging Face folder or a GGUF file.
  package var base: String

  /// The files of samples.
  package var train: [String]
  package var anchor: String?
  package var validation: [(domain: String, path: String)]

  /// A file of ids, one a line, as `clues select` writes it: of the training samples those alone are taken.
  package var keep: String?

  /// The client's own domain, of samples that name none; found by the client's files and name where nil.
  package var domain: String?

  /// The adapter that is meant where there are several.
  package var adapter: String?

  /// The steps; all where nil.
  package var checkpoints: [Int]?

  /// The template of samples that need one; what the model's tokenizer says where nil.
  package var template: Template?

  /// The tokens that gradients are of, as in training.
  package var loss = LossSpan.answer

  /// The tokens that losses are measured over.
  package var measuredLoss: LossSpan?

  /// What is beyond so many tokens is cut off; where nil, samples longer than the model takes are unscored.
  package var maximumLength: Int?

  /// Whether the gradients themselves are written, too.
  package var writesGradients = false

  /// A new bundle; the client's own folder where nil.
  package var output: String?

  /// Whether evidence that is there may be replaced.
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
