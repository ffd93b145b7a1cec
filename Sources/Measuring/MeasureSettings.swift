import Datasets
import Diagnostics

/// What is to be measured, on what, and where to.
package struct MeasureSettings: Sendable {
  /// An adapter as the command line names it: a bundle, and which of its adapters is meant.
  package struct Input: Sendable {
    package let path: String
    package let adapter: String?
    /// What it is called here; by default as its bundle says.
    package let name: String?

    package init(path: String, adapter: String? = nil, name: String? = nil) {
      (self.path, self.adapter, self.name) = (path, adapter, name)
    }
  }

  package var inputs: [Input]

  /// The base model: a Hugging Face folder or a GGUF file.
  package var base: String

  /// Whether the base model is measured by itself.
  package var measuresBase = true

  /// Files of held-out samples; nil for one whose samples say themselves of what domain they are.
  package var data: [(domain: String?, path: String)]

  /// The template of samples that need one; what the model's tokenizer says where nil.
  package var template: Template?

  /// The tokens that losses are measured over.
  package var loss = LossSpan.answer

  /// What is beyond so many tokens is cut off; where nil, samples longer than the model takes are left out.
  package var maximumLength: Int?

  /// How many tokens the models write at the most; nil where they write nothing.
  package var answerTokens: Int?

  /// What to draw samples anew by, and how often.
  package var draws = 2000
  package var seed: UInt64 = 0

  /// Files to write: a record for each sample, the answers, the page.
  package var samplesFile: String?
  package var answersFile: String?
  package var page: String?

  /// Marks of answers that somebody gave.
  package var marksFile: String?

  /// Whether files that are there may be replaced.
  package var replaces = false

  package var threads = 1
  package var limits = Limits()

  package init(inputs: [Input], base: String, data: [(domain: String?, path: String)]) {
    (self.inputs, self.base, self.data) = (inputs, base, data)
  }
}
