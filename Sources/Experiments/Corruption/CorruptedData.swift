import Diagnostics
import JSON
import Recipes
import Tensors

/// A client's training samples, some of them made bad, each with a label that says how.
struct CorruptedData: Sendable {
  /// The file of samples.
  let samples: String
  /// The labels: `client`, `id`, `clean`, and of bad ones `family` and `kind`.
  let labels: String
  /// The ids of the good ones, one a line.
  let clean: String

  /// Makes the answers of `share` of the samples bad.
  ///
  /// Which they are depends on client, seed and ids alone: a larger share has the bad ones of a smaller one and more. A sample
  /// gets, of the kinds that have a bad answer for it, the one that came least often so far, and of equal ones the one that
  /// fits the fewest samples. So kinds come equally often as far as there are samples that they fit.
  ///
  /// - parameters:
  ///   - others: The samples of the other clients, as they are.
  ///   - kinds: At least one.
  /// - throws: ``Failure`` `badData` for a sample that no kind can make bad.
  init(
    _ rows: [AnsweredRow], of client: String, others: [[AnsweredRow]], share: Double, kinds: [Experiment.BadKind],
    seed: UInt64
  ) throws {
    let source = BadAnswers(rows, others: others)
    var chances = Chances(RandomStream(seed: seed, "bad samples", client))
    let order = chances.order(rows.count)
    let count = Int((Double(rows.count) * share).rounded())
    let answers = rows.indices.map { place in
      kinds.compactMap { kind -> (kind: Experiment.BadKind, answer: String)? in
        var chances = Chances(RandomStream(seed: seed, "bad answer", client, rows[place].id, kind.rawValue))
        return source.answer(kind, to: place, &chances).map { (kind, $0) }
      }
    }
    let fitting: [Experiment.BadKind: Int] = answers.joined().reduce(into: [:]) { $0[$1.kind, default: 0] += 1 }
    var dealt: [Experiment.BadKind: Int] = [:]
    var bad: [Int: (kind: Experiment.BadKind, answer: String)] = [:]
    for place in order.prefix(count) {
      let found = answers[place].min {
        (dealt[$0.kind] ?? 0, fitting[$0.kind] ?? 0) < (dealt[$1.kind] ?? 0, fitting[$1.kind] ?? 0)
      }
      guard let found else {
        throw Failure(
          .badData, "the answer of the sample '\(rows[place].id)' cannot be made bad in any of the ways that are given",
          advice: "name more kinds: generic fits every sample", client: client)
      }
      dealt[found.kind, default: 0] += 1
      bad[place] = found
    }
    samples = rows.indices.map { rows[$0].line(answering: bad[$0]?.answer) }.joined()
    labels = rows.indices.map { place in
      var label: JSONObject = [
        "client": .string(client), "id": .string(rows[place].id), "clean": .bool(bad[place] == nil),
      ]
      if let kind = bad[place]?.kind {
        label["family"] = .string(kind.family.rawValue)
        label["kind"] = .string(kind.rawValue)
      }
      return JSONValue.object(label).text() + "\n"
    }.joined()
    clean = rows.indices.filter { bad[$0] == nil }.map { rows[$0].id + "\n" }.joined()
  }
}
