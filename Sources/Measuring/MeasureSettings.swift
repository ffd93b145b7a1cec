import Datasets
import Diagnostics

/// The inputs, settings and outputs of a measurement.
package struct MeasureSettings: Sendable {
  /// An adapter as given on the command line: a bundle and the choice of an adapter in it.
  package struct Input: Sendable {
    package let path: String
    package let adapter: String?
    /// Its name in the output; by default the bundle's.
    package let name: String?

    package init(path: String, adapter: String? = nil, name: String? = nil) {
      (self.path, self.adapter, self.name) = (path, adapter, name)
    }
  }

  package var inputs: [Input]

  /// The base model: a Hugging Face folder or a GGUF file.
  package var base: String

  /// Whether the base model is measured without an adapter.
  package var measuresBase = true

  /// Files of held-out samples; a nil domain leaves it to the samples.
  package var data: [(domain: String?, path: String)]

  /// The template of samples that need one; nil for the one that the model's tokenizer specifies.
  package var template: Template?

  /// The tokens over which losses are measured.
  package var loss = LossSpan.answer

  /// Tokens beyond this number are cut off; if nil, samples longer than the model allows are left out.
  package var maximumLength: Int?

  /// The maximum number of tokens of an answer; nil if the models write none.
  package var answerTokens: Int?

  /// The seed and number of resampling draws.
  package var draws = 2000
  package var seed: UInt64 = 0

  /// Files to write: a record for each sample, the answers, the page.
  package var samplesFile: String?
  package var answersFile: String?
  package var page: String?

  /// A file of marks given to answers.
  package var marksFile: String?

  /// Whether existing files may be replaced.
  package var replaces = false

  package var threads = 1
  package var limits = Limits()

  package init(inputs: [Input], base: String, data: [(domain: String?, path: String)]) {
    (self.inputs, self.base, self.data) = (inputs, base, data)
  }
}
