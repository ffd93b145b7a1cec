import Diagnostics
import JSON

/// The record of a run: `clues/run.json`, enough to repeat and verify it.
package struct RunRecord: JSONDocument {
  package var version = ""
  package var openBLAS: LinearAlgebra?
  /// The recipe as it was executed: resolved, and with absolute paths.
  package var recipe = JSONValue.null
  /// The inputs, whether they contributed to the result or not.
  package var bundles: [Input] = []
  /// The clients whose adapters were merged.
  package var clients: [Client] = []
  /// The libraries that took part.
  package var plugins: [Plugin] = []
  package var scorers: [ScorerRecord] = []
  /// How the scores of several scorers are combined; nil for one scorer, and in records from before it was recorded.
  package var combination: String?
  package var selection: SelectionRecord?
  /// Nil in a run that only scores.
  package var merge: Merge?
  package var notes: [NoteRecord] = []
  /// The duration of each stage.
  package var seconds: [(key: String, value: Double)] = []

  package init() {}

  package static let schema = "clues/run/1"
  package static let foreign = Failure(
    .badData, "is not the record of a run", advice: "`clues run` writes \(RunFiles.record)")

  package static let fields: [JSONField<Self>] = [
    .key("version", \.version, .text), .optional("openblas", \.openBLAS, .record), .optional("recipe", \.recipe, .any),
    .key("bundles", \.bundles, .list(of: .record)), .key("clients", \.clients, .list(of: .record)),
    .key("plugins", \.plugins, .list(of: .record)), .key("scorers", \.scorers, .list(of: .record)),
    .optional("combine", \.combination, .text), .optional("selection", \.selection, .record),
    .optional("merge", \.merge, .record), .key("notes", \.notes, .list(of: .record)),
    .optional("seconds", \.seconds, .map(of: .number)),
  ]

  /// Reads `run.json`.
  package init(run json: JSONValue) throws {
    try self.init(document: json, named: "run.json")
    try merge?.checkCosines(count: clients.count)
  }

  /// The linear algebra library that a run used.
  package struct LinearAlgebra: JSONRecord {
    package var version: String?
    package var (core, found, chooser) = ("", "", "")

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .optional("version", \.version, .text), .key("core", \.core, .text), .key("found", \.found, .text),
      .key("chosen_by", \.chooser, .text),
    ]
  }

  /// One bundle.
  package struct Input: JSONRecord, Equatable {
    package var (name, path, sha256) = ("", "", "")

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("name", \.name, .text), .key("path", \.path, .text), .key("sha256", \.sha256, .text),
    ]
  }

  /// A library that took part.
  package struct Plugin: JSONRecord, Hashable {
    package var (library, version, sha256) = ("", "", "")

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("library", \.library, .text), .key("version", \.version, .text), .key("sha256", \.sha256, .text),
    ]
  }

  /// One client's part in a merge.
  package struct Client: JSONRecord {
    package var (name, path, sha256) = ("", "", "")
    package var weight = 0.0
    /// The checkpoint that the adapter is from; nil for the final one.
    package var step: Int?
    package var rank = 0...0
    package var moduleCount = 0
    /// How its update compares with the others'; nil in records from before it was recorded.
    package var update: Update?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("name", \.name, .text), .optional("path", \.path, .text), .key("sha256", \.sha256, .text),
      .key("weight", \.weight, .number), .optional("checkpoint", \.step, .whole), .key("rank", \.rank, .span),
      .key("modules", \.moduleCount, .whole), .inline(\.update, where: "norm"),
    ]
  }

  /// How a client's update compares with the others' and with the result.
  package struct Update: JSONRecord {
    package var norm = 0.0
    package var cosineWithResult: Double?
    package var cosineWithOthers: Double?
    /// The smallest and the largest coefficient of a linear method over the modules.
    package var coefficients: ClosedRange<Double>?
    /// The respects in which it stands out.
    package var standsOut: [String] = []
    /// What makes it suspicious; nil in records without it.
    package var suspicion: SuspicionRecord?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("norm", \.norm, .number), .optional("cosine_with_result", \.cosineWithResult, .number),
      .optional("cosine_with_others", \.cosineWithOthers, .number),
      .optional("coefficient", \.coefficients, .span), .optional("stands_out", \.standsOut, .list(of: .text)),
      .optional("suspicion", \.suspicion, .record),
    ]
  }
}

/// The smallest and the largest of some numbers.
private struct Span<Number: SpannedNumber>: JSONRecord {
  var (smallest, largest) = (Number.zero, Number.zero)

  static var fields: [JSONField<Self>] {
    [.key("smallest", \.smallest, Number.kind), .key("largest", \.largest, Number.kind)]
  }

  static var range: JSONKind<ClosedRange<Number>> {
    JSONKind<Span>.record.mapped(
      as: "a smallest and a largest number in order",
      { $0.smallest <= $0.largest ? $0.smallest...$0.largest : nil },
      {
        var span = Span()
        (span.smallest, span.largest) = ($0.lowerBound, $0.upperBound)
        return span
      })
  }
}

/// A number that can form spans.
private protocol SpannedNumber: AdditiveArithmetic, Comparable, Sendable {
  static var kind: JSONKind<Self> { get }
}

extension Int: SpannedNumber {
  fileprivate static var kind: JSONKind<Int> { .whole }
}

extension Double: SpannedNumber {
  fileprivate static var kind: JSONKind<Double> { .number }
}

extension JSONKind<ClosedRange<Int>> {
  fileprivate static let span = Span<Int>.range
}

extension JSONKind<ClosedRange<Double>> {
  fileprivate static let span = Span<Double>.range
}

/// What makes a client suspicious, with the figures it is based on.
package struct SuspicionRecord: JSONRecord {
  /// The distance from the others in units of the bounds; nil with fewer than three clients, and if it is infinite.
  package var score: Double?
  package var reasons: [String] = []
  package var remarks: [String] = []
  package var medianCosine: Double?
  /// The median of the others' cosines with the average of all, and with that without this client.
  package var leavingOut: Medians?

  package init() {}

  package static let fields: [JSONField<Self>] = [
    .optional("score", \.score, .number), .key("reasons", \.reasons, .list(of: .text)),
    .key("remarks", \.remarks, .list(of: .text)), .optional("median_cosine", \.medianCosine, .number),
    .optional("leaving_out", \.leavingOut, .record),
  ]

  package struct Medians: JSONRecord {
    package var with: Double?
    package var without: Double?

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .optional("with", \.with, .number), .optional("without", \.without, .number),
    ]
  }
}

/// A note of a run.
package struct NoteRecord: JSONRecord, Hashable {
  package var severity = Note.Severity.info
  package var text = ""

  package init() {}

  package init(_ note: Note) { (severity, text) = (note.severity, note.text) }

  package static let fields: [JSONField<Self>] = [.key("severity", \.severity, .word), .key("text", \.text, .text)]
}
