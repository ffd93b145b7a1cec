import Diagnostics
import JSON

/// The parts of the output of `clues measure --json` that a page shows.
struct MeasureFile: JSONDocument {
  private(set) var version = ""
  private(set) var base = ""
  private(set) var models: [Model] = []
  private(set) var data: [String] = []
  private(set) var lossOver = ""
  private(set) var answerTokens: Int?
  private(set) var bootstrap = Bootstrap()
  private var parts: [String: [MeasuredFigures.Part]] = [:]
  private(set) var examples: [Example] = []
  private(set) var leftOut: [LeftOut] = []
  private(set) var notes: [String] = []

  /// The kinds of figures that are present.
  var tables: [MeasuredFigures] {
    MeasuredFigures.Kind.allCases.compactMap { kind in
      parts[kind.rawValue].map { MeasuredFigures(kind: kind, parts: $0) }
    }
  }

  static let schema = "clues/measure/1"
  static let foreign = Failure(.badData, "is not a measurement", advice: "give what `clues measure --json` printed")
  static let fields: [JSONField<Self>] =
    [
      .key("version", \.version, .text), .key("base", \.base, .text), .key("models", \.models, .list(of: .record)),
      .key("data", \.data, .list(of: .text)), .key("loss_over", \.lossOver, .text),
      .optional("answer_tokens", \.answerTokens, .count), .key("bootstrap", \.bootstrap, .record),
    ] + MeasuredFigures.Kind.allCases.map { .optional($0.rawValue, \.parts[$0.rawValue], .list(of: .record)) } + [
      .optional("examples", \.examples, .list(of: .record)), .key("left_out", \.leftOut, .list(of: .record)),
      .key("notes", \.notes, .list(of: .text)),
    ]

  struct Model: JSONRecord {
    private(set) var name = ""
    private(set) var path = ""
    private(set) var step: Int?

    static let fields: [JSONField<Self>] = [
      .key("name", \.name, .text), .key("path", \.path, .text), .optional("step", \.step, .count),
    ]
  }

  struct Bootstrap: JSONRecord {
    private(set) var draws = 0
    private(set) var seed = 0

    static let fields: [JSONField<Self>] = [.key("draws", \.draws, .count), .key("seed", \.seed, .whole)]
  }

  struct Example: JSONRecord {
    private(set) var id = ""
    private(set) var domain = ""
    private(set) var prompt = ""
    private(set) var reference = ""
    /// By the model's name.
    private(set) var answers: [(key: String, value: Answer)] = []

    static let fields: [JSONField<Self>] = [
      .key("id", \.id, .text), .key("domain", \.domain, .text), .key("prompt", \.prompt, .text),
      .key("reference", \.reference, .text), .key("answers", \.answers, .map(of: .record)),
    ]
  }

  struct Answer: JSONRecord {
    private(set) var text = ""
    private(set) var end = ""

    static let fields: [JSONField<Self>] = [.key("text", \.text, .text), .key("end", \.end, .text)]
  }

  struct LeftOut: JSONRecord {
    private(set) var id = ""
    private(set) var file = ""
    private(set) var line = 0
    private(set) var reason = ""

    static let fields: [JSONField<Self>] = [
      .key("id", \.id, .text), .key("file", \.file, .text), .key("line", \.line, .count),
      .key("reason", \.reason, .text),
    ]
  }
}

/// One kind of figures, by domain and over all.
struct MeasuredFigures {
  let kind: Kind
  let parts: [Part]

  enum Kind: String, CaseIterable {
    case losses, choices, answers, marks

    /// The figures, the drawn one first.
    var scores: [(key: String, name: String)] {
      switch self {
      case .losses: [("per_token", "loss per token"), ("per_sample", "loss per sample")]
      case .choices:
        [("sum", "right by the sum"), ("per_token", "right by the mean per token"), ("per_byte", "right per byte")]
      case .answers: [("rouge_l", "ROUGE-L"), ("exact_match", "exact match"), ("f1", "F1"), ("chrf", "chrF")]
      case .marks: [("mark", "mean mark")]
      }
    }

    /// Further figures of a model.
    var more: [(key: String, name: String)] {
      switch self {
      case .losses: [("perplexity", "perplexity")]
      case .choices: []
      case .answers: [("chrf_corpus", "chrF of all"), ("cut_off", "cut off"), ("empty", "empty")]
      case .marks: [("marked", "marked")]
      }
    }
  }

  struct Part: JSONRecord {
    /// Nil for all samples.
    private(set) var domain: String?
    private(set) var samples = 0
    private(set) var models: [Row] = []
    private(set) var differences: [Row] = []

    var name: String { domain ?? "all" }

    static let fields: [JSONField<Self>] = [
      .optional("domain", \.domain, .text), .key("samples", \.samples, .count),
      .key("models", \.models, .list(of: .record)), .key("differences", \.differences, .list(of: .record)),
    ]
  }

  /// The figures of one model, or of one model minus another, by their keys.
  struct Row: JSONRecord {
    /// Of a model's own figures.
    private(set) var name = ""
    /// Of a difference: the two models.
    private(set) var model = ""
    private(set) var against = ""
    private(set) var figures: [String: Figure] = [:]
    private(set) var more: [String: Double] = [:]

    static let fields: [JSONField<Self>] =
      [.optional("name", \.name, .text), .optional("model", \.model, .text), .optional("against", \.against, .text)]
      + keys(\.scores).map { .optional($0, \.figures[$0], .record) }
      + keys(\.more).map { .optional($0, \.more[$0], .number) }

    private static func keys(_ list: (Kind) -> [(key: String, name: String)]) -> [String] {
      Set(Kind.allCases.flatMap { list($0).map(\.key) }).sorted()
    }
  }

  /// A number, if there is one, and its interval.
  struct Figure: JSONRecord {
    private(set) var value: Double?
    private(set) var interval: ClosedRange<Double>?

    static let fields: [JSONField<Self>] = [
      .optional("value", \.value, .number), .optional("interval", \.interval, ends),
    ]

    private static let ends = JSONKind<[Double]>.list(of: .number, count: 2).mapped(
      as: "a list of two numbers, the smaller first", { $0[0] <= $0[1] ? $0[0]...$0[1] : nil },
      { [$0.lowerBound, $0.upperBound] })
  }
}
