import Diagnostics
import JSON

/// The outcome of a measurement: what `clues measure --json` prints.
package struct MeasureRecord: JSONDocument {
  package var version = cluesVersion
  package var base = ""
  package var models: [Model] = []
  /// The files of samples.
  package var data: [String] = []
  package var lossOver = ""
  /// The maximum number of tokens of an answer; nil if the models wrote none.
  package var answerTokens: Int?
  package var bootstrap = Bootstrap()
  /// By kind of figures: the domains in data order; then, if there are several, all samples.
  package var parts: [Kind: [Part]] = [:]
  /// The first samples of each domain with all answers.
  package var examples: [Example] = []
  package var leftOut: [LeftOut] = []
  package var notes: [String] = []

  package init() {}

  package static let schema = "clues/measure/1"
  package static let foreign = Failure(
    .badData, "is not a measurement", advice: "give what `clues measure --json` printed")

  package static let fields: [JSONField<Self>] =
    [
      .key("version", \.version, .text), .key("base", \.base, .text), .key("models", \.models, .list(of: .record)),
      .key("data", \.data, .list(of: .text)), .key("loss_over", \.lossOver, .text),
      .optional("answer_tokens", \.answerTokens, .count), .key("bootstrap", \.bootstrap, .record),
    ]
    + Kind.allCases.map { .optional($0.rawValue, \.parts[$0], .list(of: .record), isWritten: false) } + [
      .unlessEmpty("examples", \.examples, .list(of: .record)), .key("left_out", \.leftOut, .list(of: .record)),
      .key("notes", \.notes, .list(of: .text)),
    ]

  /// The kinds of figures that are present.
  package var tables: [(kind: Kind, parts: [Part])] {
    Kind.allCases.compactMap { kind in parts[kind].map { (kind, $0) } }
  }

  /// A model that was measured.
  package struct Model: JSONRecord {
    package var (name, path) = ("", "")
    /// The checkpoint that the adapter is from, if any.
    package var step: Int?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("name", \.name, .text), .key("path", \.path, .text), .optional("step", \.step, .count),
    ]
  }

  /// How intervals were found.
  package struct Bootstrap: JSONRecord {
    package var draws = 0
    package var seed: UInt64 = 0
    package var confidence = 0.95

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("draws", \.draws, .count), .key("seed", \.seed, .seed), .optional("confidence", \.confidence, .number),
    ]
  }

  /// A generated answer next to those of other models.
  package struct Example: JSONRecord {
    package var (id, domain, prompt, reference) = ("", "", "", "")
    /// By the model's name.
    package var answers: [(key: String, value: Answer)] = []

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("id", \.id, .text), .key("domain", \.domain, .text), .key("prompt", \.prompt, .text),
      .key("reference", \.reference, .text), .key("answers", \.answers, .map(of: .record)),
    ]
  }

  /// What a model wrote.
  package struct Answer: JSONRecord {
    package var (text, end) = ("", "")
    package var tokens = 0

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("text", \.text, .text), .key("end", \.end, .text), .key("tokens", \.tokens, .count),
    ]
  }

  /// A sample that no model is measured on.
  package struct LeftOut: JSONRecord {
    package var (id, domain, file) = ("", "", "")
    package var line = 0
    package var reason = ""

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("id", \.id, .text), .key("domain", \.domain, .text), .key("file", \.file, .text),
      .key("line", \.line, .count), .key("reason", \.reason, .text),
    ]
  }
}

extension JSONKind<UInt64> {
  /// A seed; JSON's whole numbers have a sign.
  fileprivate static let seed = JSONKind<Int>.whole.mapped(
    { UInt64(bitPattern: Int64($0)) }, { Int(truncatingIfNeeded: $0) })
}
