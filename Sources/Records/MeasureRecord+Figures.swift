import JSON

extension MeasureRecord {
  /// A kind of figures.
  package enum Kind: String, Sendable, CaseIterable {
    case losses, choices, answers, marks
  }

  /// A figure that has an interval.
  package enum FigureName: String, Sendable, CaseIterable {
    case sum
    case perToken = "per_token"
    case perSample = "per_sample"
    case perByte = "per_byte"
    case exactMatch = "exact_match"
    case f1
    case rougeL = "rouge_l"
    case chrF = "chrf"
    case mark
  }

  /// A figure without an interval.
  package enum PlainFigureName: String, Sendable, CaseIterable {
    case perplexity
    case corpusChrF = "chrf_corpus"
    case cutOff = "cut_off"
    case empty, marked
  }

  /// The figures of one kind for the samples of a domain, or for all.
  package struct Part: JSONRecord {
    /// Nil for all samples.
    package var domain: String?
    package var samples = 0
    /// The number of labels of losses; nil for other figures.
    package var tokens: Int?
    package var models: [Row] = []
    package var differences: [Difference] = []

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .optional("domain", \.domain, .text), .key("samples", \.samples, .count),
      .optional("tokens", \.tokens, .count, isWritten: false), .key("models", \.models, .list(of: .record)),
      .key("differences", \.differences, .list(of: .record)),
    ]
  }

  /// The figures of a model.
  package struct Row: JSONRecord {
    package var name = ""
    package var figures: [FigureName: Figure] = [:]
    package var plain: [PlainFigureName: Double] = [:]

    package init() {}

    package static let fields: [JSONField<Self>] =
      [.key("name", \.name, .text)]
      + FigureName.allCases.map { .optional($0.rawValue, \.figures[$0], .record, isWritten: false) }
      + PlainFigureName.allCases.map { .optional($0.rawValue, \.plain[$0], .numberOrCount, isWritten: false) }
  }

  /// The figures of one model minus those of another, over the same samples.
  package struct Difference: JSONRecord {
    package var (model, against) = ("", "")
    package var figures: [FigureName: Figure] = [:]

    package init() {}

    package static let fields: [JSONField<Self>] =
      [.key("model", \.model, .text), .key("against", \.against, .text)]
      + FigureName.allCases.map { .optional($0.rawValue, \.figures[$0], .record, isWritten: false) }
  }

  /// A number, if there is one, and its interval.
  package struct Figure: JSONRecord, Equatable {
    package var value: Double?
    package var interval: ClosedRange<Double>?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .optional("value", \.value, .number), .optional("interval", \.interval, ends),
    ]

    private static let ends = JSONKind<[Double]>.list(of: .number, count: 2).mapped(
      as: "a list of two numbers, the smaller first", { $0[0] <= $0[1] ? $0[0]...$0[1] : nil },
      { [$0.lowerBound, $0.upperBound] })
  }
}

extension JSONKind<Double> {
  /// A number; whole ones are written as counts are.
  fileprivate static let numberOrCount = JSONKind(
    "a number", read: { $0.doubleValue },
    write: { value in Int(exactly: value).map { JSONValue($0) } ?? JSON.number(value) })
}
