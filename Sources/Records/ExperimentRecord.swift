import Diagnostics
import JSON

/// What came of an experiment: the content of `experiment.json`.
package struct ExperimentRecord: JSONDocument {
  package var version = cluesVersion
  package var base = ""
  package var clients: [Client] = []
  package var seeds: [Int] = []
  package var shares: [Double] = []
  package var kinds: [String] = []
  package var arms: [Named] = []
  package var merges: [Named] = []
  package var losses: [Loss] = []
  package var selections: [Selection] = []
  package var examples: [Example] = []
  package var notes: [String] = []

  package init() {}

  package static let schema = "clues/experiment/1"
  package static let foreign = Failure(
    .badData, "is not the result of an experiment", advice: "give the experiment.json that `clues experiment` wrote")

  package static let fields: [JSONField<Self>] = [
    .key("version", \.version, .text), .key("base", \.base, .text), .key("clients", \.clients, .list(of: .record)),
    .key("seeds", \.seeds, .list(of: .whole)), .key("shares", \.shares, .list(of: .number)),
    .key("kinds", \.kinds, .list(of: .text)), .key("arms", \.arms, .list(of: .record)),
    .key("merges", \.merges, .list(of: .record)), .key("losses", \.losses, .list(of: .record)),
    .key("selections", \.selections, .list(of: .record)), .unlessEmpty("examples", \.examples, .list(of: .record)),
    .key("notes", \.notes, .list(of: .text)),
  ]

  /// A client and how many samples it has of each sort.
  package struct Client: JSONRecord {
    package var name = ""
    package var (train, anchor, validation, test) = (0, 0, 0, 0)
    /// How many times the share of bad samples it has; nil for once.
    package var corruptionFactor: Double?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("name", \.name, .text), .key("train", \.train, .count), .key("anchor", \.anchor, .count),
      .key("validation", \.validation, .count), .key("test", \.test, .count),
      .optional("corruption_factor", \.corruptionFactor, .number),
    ]
  }

  /// An arm or a merge, and what it does in a few words.
  package struct Named: JSONRecord {
    package var name = ""
    package var meaning = ""

    package init() {}

    package init(_ name: String, _ meaning: String) { (self.name, self.meaning) = (name, meaning) }

    package static let fields: [JSONField<Self>] = [.key("name", \.name, .text), .key("meaning", \.meaning, .text)]
  }

  /// A number over all seeds.
  package struct Figure: JSONRecord, Equatable {
    /// The mean over the seeds that have one; nil where none has.
    package var value: Double?
    /// Of 95 %: over seeds by Student's t where there are several, else over test samples where they were drawn anew.
    package var interval: [Double]?
    /// By seed.
    package var seeds: [Double?] = []

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .optional("value", \.value, .number), .optional("interval", \.interval, .list(of: .number, count: 2)),
      .key("seeds", \.seeds, .list(of: .numberOrNull)),
    ]
  }

  /// The loss of a model on test samples.
  package struct Loss: JSONRecord {
    /// The share of training samples that were bad; nil for the base model, which saw none.
    package var share: Double?
    package var arm: String?
    /// How it was merged; nil for the clients' own adapters, each on the client's samples.
    package var merge: String?
    /// Whose samples; nil for all.
    package var client: String?
    /// Nats per token.
    package var loss = Figure()
    /// How far it is from that of the arm that keeps everything.
    package var difference: Figure?
    /// The share of what bad samples cost that is won back; nil without an arm that keeps the good samples.
    package var recovered: Figure?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .optional("share", \.share, .number), .optional("arm", \.arm, .text), .optional("merge", \.merge, .text),
      .optional("client", \.client, .text), .key("loss", \.loss, .record),
      .optional("difference", \.difference, .record), .optional("recovered", \.recovered, .record),
    ]
  }

  /// How well an arm finds the good samples.
  package struct Selection: JSONRecord {
    package var share = 0.0
    package var arm = ""
    /// A threshold rule that is compared; nil for the arm's own.
    package var rule: String?
    package var client: String?
    /// By ``names``.
    package var figures: [String: Figure] = [:]
    /// Of the bad samples of each kind, the share that is kept.
    package var kept: [(key: String, value: Figure)] = []

    package init() {}

    package static let names = ["kept_share", "precision", "recall", "f1", "accuracy", "auroc", "threshold"]

    package static let fields: [JSONField<Self>] =
      [
        .key("share", \.share, .number), .key("arm", \.arm, .text), .optional("rule", \.rule, .text),
        .optional("client", \.client, .text),
      ] + names.map { .optional($0, \.figures[$0], .record) } + [
        .unlessEmpty("bad_kept", \.kept, .map(of: .record))
      ]
  }

  /// A question, the answer that is due, and those of the models.
  package struct Example: JSONRecord {
    package var client = ""
    package var question = ""
    package var reference = ""
    package var answers: [(key: String, value: String)] = []

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("client", \.client, .text), .key("question", \.question, .text), .key("reference", \.reference, .text),
      .key("answers", \.answers, .map(of: .text)),
    ]
  }
}
