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
  /// Which they are depends on client, seed and ids alone: a larger share has the bad ones of a smaller one and more. The kinds
  /// come in turn; where one has no bad answer for a sample, the next one has.
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
    var bad: [Int: (kind: Experiment.BadKind, answer: String)] = [:]
    for (turn, place) in order.prefix(count).enumerated() {
      let row = rows[place]
      let found = kinds.indices.lazy.compactMap { step -> (Experiment.BadKind, String)? in
        let kind = kinds[(turn + step) % kinds.count]
        var chances = Chances(RandomStream(seed: seed, "bad answer", client, row.id, kind.rawValue))
        return source.answer(kind, to: place, &chances).map { (kind, $0) }
      }.first
      guard let found else {
        throw Failure(
          .badData, "the answer of the sample '\(row.id)' cannot be made bad in any of the ways that are given",
          advice: "name more kinds: generic fits every sample", client: client)
      }
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
