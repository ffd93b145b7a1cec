import JSON

/// What `clues measure --json` says (schema `clues/measure/1`), as far as a page shows it.
struct MeasureFile {
  let version: String
  let base: String
  let models: [Model]
  let data: [String]
  let lossOver: String
  let answerTokens: Int?
  let draws: Int
  let seed: Int
  let tables: [MeasuredFigures]
  let examples: [Example]
  let leftOut: [LeftOut]
  let notes: [String]

  struct Model {
    let name: String
    let path: String
    let step: Int?
  }

  struct Example {
    let id: String
    let domain: String
    let prompt: String
    let reference: String
    let answers: [(name: String, text: String, end: String)]
  }

  struct LeftOut {
    let id: String
    let file: String
    let line: Int
    let reason: String
  }

  init(_ json: JSONValue) throws {
    let file = Field(json, at: "the measurement")
    version = try file["version"].text
    base = try file["base"].text
    models = try file["models"].list.map {
      try Model(name: $0["name"].text, path: $0["path"].text, step: $0["step"].present?.whole)
    }
    data = try file["data"].list.map { try $0.text }
    lossOver = try file["loss_over"].text
    answerTokens = try file["answer_tokens"].present?.whole
    draws = try file["bootstrap"]["draws"].whole
    seed = try file["bootstrap"]["seed"].whole
    tables = try MeasuredFigures.Kind.allCases.compactMap { kind in
      try file[kind.rawValue].present.map { try MeasuredFigures(kind, $0) }
    }
    examples = try (file["examples"].present?.list ?? []).map { example in
      Example(
        id: try example["id"].text, domain: try example["domain"].text, prompt: try example["prompt"].text,
        reference: try example["reference"].text,
        answers: try example["answers"].members.map { ($0.key, try $0.field["text"].text, try $0.field["end"].text) })
    }
    leftOut = try file["left_out"].list.map {
      try LeftOut(id: $0["id"].text, file: $0["file"].text, line: $0["line"].whole, reason: $0["reason"].text)
    }
    notes = try file["notes"].list.map { try $0.text }
  }
}

/// One kind of figures, by domain and over all.
struct MeasuredFigures {
  let kind: Kind
  let parts: [Part]

  enum Kind: String, CaseIterable {
    case losses, choices, answers, marks

    /// The figures, the one that is drawn first.
    var scores: [(key: String, name: String)] {
      switch self {
      case .losses: [("per_token", "loss per token"), ("per_sample", "loss per sample")]
      case .choices:
        [("sum", "right by the sum"), ("per_token", "right by the mean per token"), ("per_byte", "right per byte")]
      case .answers: [("rouge_l", "ROUGE-L"), ("exact_match", "exact match"), ("f1", "F1"), ("chrf", "chrF")]
      case .marks: [("mark", "mean mark")]
      }
    }

    /// What is told of a model besides.
    var more: [(key: String, name: String)] {
      switch self {
      case .losses: [("perplexity", "perplexity")]
      case .choices: []
      case .answers: [("chrf_corpus", "chrF of all"), ("cut_off", "cut off"), ("empty", "empty")]
      case .marks: [("marked", "marked")]
      }
    }
  }

  struct Part {
    /// Nil for all samples.
    let domain: String?
    let samples: Int
    let tokens: Int?
    let models: [(name: String, figures: [Figure], more: [Double?])]
    let differences: [(model: String, against: String, figures: [Figure])]

    var name: String { domain ?? "all" }
  }

  /// A number, if there is one, and its interval.
  struct Figure {
    let value: Double?
    let interval: ClosedRange<Double>?

    init(_ field: Field) throws {
      value = try field["value"].present?.number
      interval = try field["interval"].present.map { field in
        let ends = try field.list(of: 2)
        return try ends[0].range(to: ends[1])
      }
    }
  }

  init(_ kind: Kind, _ field: Field) throws {
    self.kind = kind
    parts = try field.list.map { part in
      func figures(_ field: Field) throws -> [Figure] { try kind.scores.map { try Figure(field[$0.key]) } }
      return Part(
        domain: try part["domain"].present?.text, samples: try part["samples"].whole,
        tokens: try part["tokens"].present?.whole,
        models: try part["models"].list.map { model in
          (try model["name"].text, try figures(model), try kind.more.map { try model[$0.key].present?.number })
        },
        differences: try part["differences"].list.map {
          (try $0["model"].text, try $0["against"].text, try figures($0))
        })
    }
  }
}
