import Adapters
import Diagnostics
import Foundation
import JSON
import Tensors

/// How well scores and a selection separate good samples from bad ones, given labels.
package struct Evaluation: Sendable {
  /// All clients in one ranking, as needed for one threshold for all.
  package let pooled: Figures
  package let clients: [(name: String, figures: Figures)]
  /// AUROC of all good samples against bad ones of one kind.
  package let groups: [(name: String, count: Int, auroc: Double)]
  /// Training samples without a label.
  package let unlabeled: Int
  /// Clients with labels but without scores.
  package let unscoredClients: [String]

  /// The figures of some samples; positive means good.
  package struct Figures: Sendable, Equatable {
    package let good: Int
    package let bad: Int
    package let unscored: Int
    /// The probability that a good sample has a higher score than a bad one, with ties counting half; NaN if there are none of
    /// either.
    package let auroc: Double
    /// Nil without a selection.
    package let selection: Selection?
  }

  /// The figures of a selection as a classifier of good samples.
  package struct Selection: Sendable, Equatable {
    package let kept: Int
    /// The share of the kept samples that are good; NaN if nothing is kept.
    package let precision: Double
    /// The share of the good samples that are kept.
    package let recall: Double
    package let f1: Double
    package let accuracy: Double
  }

  /// A note on labels without scores; nil if there are none.
  package var note: Note? {
    guard let first = unscoredClients.first else { return nil }
    let rest = unscoredClients.count == 1 ? "" : " and \(unscoredClients.count - 1) more"
    return .info(
      "the labels of client '\(first)'\(rest) are left out, because there are no scores of it: give its file of scores too"
    )
  }

  /// - parameter labels: JSON Lines with `client`, `id` and `clean`, and texts such as `corruption` to group by.
  package init(_ table: ScoreTable, labels path: String, limits: Limits = Limits()) throws {
    let labels = try Labels(path: path, limits)
    let train = table.rows.filter(\.isTrain)
    let labeled = train.compactMap { row in labels[row].map { (row: row, label: $0) } }
    guard !labeled.isEmpty else {
      throw Failure(
        .badData, labels.isEmpty ? "has no labels" : "has no labels for the scored samples",
        advice: labels.isEmpty
          ? Labels.advice : "the labels' \"client\" and \"id\" must be those of the scores", file: path)
    }
    guard labeled.contains(where: { $0.row.score.value != nil }) else {
      let reason = labeled.lazy.compactMap { if case .unscored(let reason) = $0.row.score { reason } else { nil } }
        .first
      throw Failure(
        .badData, "no labeled sample has a score" + (reason.map { ": \($0)" } ?? ""),
        advice: "score again, or give the scores of all clients")
    }
    unscoredClients = labels.clients.subtracting(table.clients).sorted()
    unlabeled = train.count - labeled.count
    pooled = Figures(labeled)
    clients = table.clients.map { client in (client, Figures(labeled.filter { $0.row.client == client })) }
    let good = labeled.filter(\.label.isGood).compactMap { $0.row.score.value }
    let kinds = Set(labeled.filter { !$0.label.isGood }.flatMap(\.label.groups)).sorted()
    groups = kinds.map { kind in
      let bad = labeled.filter { !$0.label.isGood && $0.label.groups.contains(kind) }
      return (kind, bad.count, areaUnderCurve(good, bad.compactMap { $0.row.score.value }))
    }
  }
}

/// Which samples are good, for evaluation only.
private struct Labels {
  struct Label {
    let isGood: Bool
    /// `key=text` of every other member, such as `corruption=swap`.
    let groups: [String]
  }

  private var byKey: [String: Label] = [:]

  /// The clients that labels name.
  private(set) var clients: Set<String> = []

  var isEmpty: Bool { byKey.isEmpty }

  static let advice =
    "each line is an object such as {\"client\": \"medical\", \"id\": \"a\", \"clean\": false}; \"client\" may be left out"

  init(path: String, _ limits: Limits) throws {
    let bytes = try Bytes(mapping: path)
    try locating(file: path) {
      try bytes.withUnsafeBytes {
        try JSONReader(limits).readLines($0) { value, _ in
          guard let object = value.objectValue, let isGood = object["clean"]?.boolValue else {
            throw Failure(.badData, "this line has no boolean 'clean'", advice: Self.advice)
          }
          let id = try Sample.id(object)
          let client = object["client"]?.stringValue
          guard client != nil || object["client"] == nil else {
            throw Failure(.badData, "this line has a 'client' that is not a string", advice: Self.advice)
          }
          if let client { clients.insert(client) }
          let groups = object.members.compactMap { member in
            ["client", "id", "clean"].contains(member.key)
              ? nil : member.value.stringValue.map { "\(member.key)=\($0)" }
          }
          let key = Self.key(client, id)
          guard byKey.updateValue(Label(isGood: isGood, groups: groups), forKey: key) == nil else {
            throw Failure(.badData, "the sample '\(id)' is labeled twice")
          }
        }
      }
    }
  }

  subscript(row: ScoreTable.Row) -> Label? { byKey[Self.key(row.client, row.id)] ?? byKey[Self.key(nil, row.id)] }

  private static func key(_ client: String?, _ id: String) -> String { (client ?? "") + "\n" + id }
}

extension Evaluation.Figures {
  fileprivate init(_ samples: [(row: ScoreTable.Row, label: Labels.Label)]) {
    let (good, bad) = (samples.filter(\.label.isGood), samples.filter { !$0.label.isGood })
    self.good = good.count
    self.bad = bad.count
    unscored = samples.count { $0.row.score.value == nil }
    auroc = areaUnderCurve(good.compactMap { $0.row.score.value }, bad.compactMap { $0.row.score.value })
    guard samples.contains(where: { $0.row.kept != nil }) else {
      selection = nil
      return
    }
    let hits = Double(good.count { $0.row.kept == true })
    let kept = Double(samples.count { $0.row.kept == true })
    let correct = hits + Double(bad.count { $0.row.kept != true })
    selection = .init(
      kept: Int(kept), precision: hits / kept, recall: hits / Double(good.count),
      f1: 2 * hits / (kept + Double(good.count)), accuracy: correct / Double(samples.count))
  }
}

/// The area under the ROC curve by ranks (Mann-Whitney); ties count half. NaN if one side is empty.
func areaUnderCurve(_ positives: [Double], _ negatives: [Double]) -> Double {
  let all = (positives.map { ($0, true) } + negatives.map { ($0, false) }).sorted { $0.0 < $1.0 }
  var wins = 0.0
  var below = 0.0
  var place = 0
  while place < all.count {
    let end = all[place...].firstIndex { $0.0 != all[place].0 } ?? all.count
    let good = Double(all[place..<end].count { $0.1 })
    let bad = Double(end - place) - good
    wins += good * (below + bad / 2)
    below += bad
    place = end
  }
  return wins / (Double(positives.count) * Double(negatives.count))
}

extension Evaluation {
  package var json: JSONValue {
    .object([
      "schema": "clues/evaluation/1", "all": pooled.json,
      "clients": .object(JSONObject(clients.map { ($0.name, $0.figures.json) })),
      "groups": .array(
        groups.map { ["group": .string($0.name), "count": JSONValue($0.count), "auroc": number($0.auroc)] }),
      "unlabeled": JSONValue(unlabeled),
    ])
  }
}

extension Evaluation.Figures {
  fileprivate var json: JSONValue {
    var object = JSONObject([
      ("good", JSONValue(good)), ("bad", JSONValue(bad)), ("unscored", JSONValue(unscored)), ("auroc", number(auroc)),
    ])
    if let selection {
      object["kept"] = JSONValue(selection.kept)
      object["precision"] = number(selection.precision)
      object["recall"] = number(selection.recall)
      object["f1"] = number(selection.f1)
      object["accuracy"] = number(selection.accuracy)
    }
    return .object(object)
  }
}
