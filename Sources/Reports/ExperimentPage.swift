import Diagnostics
import Records

/// What came of an experiment: one self-contained HTML file without scripts.
package struct ExperimentPage: Sendable {
  /// The page.
  package let html: String

  package init(_ record: ExperimentRecord) {
    let sections = [
      experimentOverview(record), ownSection(record), mergedSection(record), recoveredSection(record),
      methodsSection(record), selectionSection(record), kindsSection(record), thresholdsSection(record),
      answersSection(record),
    ].compactMap { $0 }
    html = page("What bad data costs, and what selection wins back", version: record.version, sections)
  }
}

private typealias Figure = ExperimentRecord.Figure

private func experimentOverview(_ record: ExperimentRecord) -> Section {
  Section("overview", "What was done") {
    element("dl", ["class": "figures"]) {
      for (name, value) in [
        ("clients", whole(record.clients.count)), ("arms", whole(record.arms.count)),
        ("merges", whole(record.merges.count)), ("seeds", whole(record.seeds.count)),
      ] {
        element("div") {
          element("dt") { name }
          element("dd") { value }
        }
      }
    }
    clientsTable(record).markup
    DataTable(
      caption: "Arms: what is trained on", headings: ["arm", "what it keeps"],
      rows: record.arms.map { [.text($0.name), .text($0.meaning)] }
    ).markup
    DataTable(
      caption: "Merges", headings: ["merge", "how"], rows: record.merges.map { [.text($0.name), .text($0.meaning)] }
    ).markup
    element("dl", ["class": "facts"]) {
      for (name, value) in facts(record) {
        element("dt") { name }
        element("dd") { value }
      }
    }
    if !record.notes.isEmpty {
      element("details") {
        element("summary") { counted(record.notes.count, "note") + " of steps" }
        for note in record.notes { element("p", ["class": "note"]) { note } }
      }
    }
  }
}

private func clientsTable(_ record: ExperimentRecord) -> DataTable {
  let factors = record.clients.compactMap(\.corruptionFactor)
  let style = NumberStyle(factors + [1])
  return DataTable(
    caption: "Clients and their samples",
    headings: ["client", "train", "anchors", "validation", "test"] + (factors.isEmpty ? [] : ["times the bad share"]),
    rows: record.clients.map { client in
      [
        .text(client.name), .whole(client.train), .whole(client.anchor), .whole(client.validation), .whole(client.test),
      ] + (factors.isEmpty ? [] : [.number(client.corruptionFactor ?? 1, style)])
    })
}

private func facts(_ record: ExperimentRecord) -> [(String, String)] {
  [
    ("Base model", record.base), ("Bad samples", record.kinds.joined(separator: ", ")),
    ("Shares of bad samples", record.shares.map { percent($0) }.joined(separator: ", ")),
    ("Seeds", record.seeds.map { "\($0)" }.joined(separator: ", ")), ("Intervals", intervals(record)),
  ]
}

private func intervals(_ record: ExperimentRecord) -> String {
  record.seeds.count > 1
    ? "95 %, of the mean over \(record.seeds.count) seeds, by Student's t"
    : "95 %, from drawing the test samples anew: another seed of the training would change more than they say"
}

/// A drawing of some losses with a table of them, by share of bad samples.
private func losses(
  _ record: ExperimentRecord, merge: String?, _ title: String, _ name: String, hasZero: Bool = false,
  _ figure: @escaping (ExperimentRecord.Loss) -> Figure?
) -> Markup {
  let base = hasZero ? nil : record.losses.first { $0.arm == nil && $0.client == nil }.flatMap(figure)
  let groups = record.shares.map { share in
    (
      name: "\(percent(share)) bad",
      rows: (base.map { [(name: "base model", figure: $0)] } ?? [])
        + record.losses.filter { $0.share == share && $0.merge == merge && $0.client == nil }.compactMap { row in
          figure(row).map { (name: row.arm ?? "", figure: $0) }
        }
    )
  }
  return drawing(groups, title, name, hasZero: hasZero)
}

private func drawing(
  _ groups: [(name: String, rows: [(name: String, figure: Figure)])], _ title: String, _ name: String,
  hasZero: Bool = false
) -> Markup {
  let style = NumberStyle(groups.flatMap { $0.rows.compactMap(\.figure.value) })
  return figure(
    Intervals(
      title: title, description: "A dot for each arm, with its interval of 95 % where there is one.", axisTitle: name,
      groups: groups.map { group in
        (
          group.name,
          group.rows.compactMap { row in
            row.figure.value.map { Intervals.Row(name: row.name, value: $0, interval: row.figure.range) }
          }
        )
      }, hasZero: hasZero
    ).markup,
    DataTable(
      caption: title, headings: ["bad samples", "arm", name, "from", "to"],
      rows: groups.flatMap { group in
        group.rows.map { row in [.text(group.name), .text(row.name)] + cells(row.figure, style) }
      }))
}

private func cells(_ figure: Figure?, _ style: NumberStyle) -> [Cell] {
  [figure?.value, figure?.interval?.first, figure?.interval?.last].map { $0.map { .number($0, style) } ?? .none }
}

extension ExperimentRecord.Figure {
  fileprivate var range: ClosedRange<Double>? {
    guard let interval, interval.count == 2, interval[0] <= interval[1] else { return nil }
    return interval[0]...interval[1]
  }
}

private func ownSection(_ record: ExperimentRecord) -> Section {
  Section("own", "The clients' own adapters") {
    paragraph(
      "The mean cross-entropy in nats per token of held-out answers, each client's adapter on the client's own samples: the "
        + "lower, the better.", class: "soft")
    losses(record, merge: nil, "Loss of own adapters by share of bad samples", "loss per token") { $0.loss }
  }
}

private func mergedSection(_ record: ExperimentRecord) -> Section {
  Section("merged", "The merged adapter") {
    paragraph("One adapter, merged from those of all clients, on all held-out samples.", class: "soft")
    for merge in record.merges {
      element("h3") { name("\(merge.name): \(merge.meaning)") }
      losses(record, merge: merge.name, "Loss of the merge \(merge.name)", "loss per token") { $0.loss }
    }
  }
}

private func recoveredSection(_ record: ExperimentRecord) -> Section? {
  guard record.losses.contains(where: { $0.recovered?.value != nil }) else { return nil }
  return Section("recovered", "What selection wins back") {
    paragraph(
      "The share of the loss that bad samples cost: 0 is training on everything, 1 is training on the good samples alone, as "
        + "labels tell them. Below 0 a selection does harm. Where bad samples cost next to nothing the share says nothing, "
        + "and its interval is wide.", class: "soft")
    for merge in [nil] + record.merges.map({ Optional($0.name) }) {
      losses(
        record, merge: merge, merge.map { "Won back, merge \($0)" } ?? "Won back, own adapters", "share won back",
        hasZero: true
      ) { $0.recovered }
    }
  }
}

private func methodsSection(_ record: ExperimentRecord) -> Section {
  let style = NumberStyle(record.losses.compactMap(\.loss.value))
  let ways = [nil] + record.merges.map { Optional($0.name) }
  return Section("methods", "Methods by arms") {
    paragraph("Loss per token on the samples of every client, by the way in which adapters are merged.", class: "soft")
    for share in record.shares {
      DataTable(
        caption: "\(percent(share)) bad", headings: ["arm", "samples of"] + ways.map { $0 ?? "own adapters" },
        rows: record.arms.flatMap { arm in
          ([nil] + record.clients.map { Optional($0.name) }).compactMap { client -> [Cell]? in
            if client != nil, record.clients.count < 2 { return nil }
            return [.text(arm.name), .text(client ?? "all")]
              + ways.map { way in
                let row = record.losses.first {
                  $0.share == share && $0.arm == arm.name && $0.merge == way && $0.client == client
                }
                return row?.loss.value.map { .number($0, style) } ?? .none
              }
          }
        }
      ).markup
    }
  }
}

private func selectionSection(_ record: ExperimentRecord) -> Section? {
  let own = record.selections.filter { $0.rule == nil }
  guard !own.isEmpty else { return nil }
  return Section("selection", "How well good samples are found") {
    paragraph(
      "Kept samples against labels: accuracy is the share of all samples that are decided rightly, precision the share of kept "
        + "ones that are good, recall the share of good ones that are kept, AUROC how often a good sample scores above a bad "
        + "one.", class: "soft")
    drawing(
      record.shares.map { share in
        (
          "\(percent(share)) bad",
          own.filter { $0.share == share && $0.client == nil }.compactMap { row in
            row.figures["accuracy"].map { (row.arm, $0) }
          }
        )
      }, "Accuracy of selections by share of bad samples", "accuracy")
    selectionTable(own, "Selections", isByRule: false).markup
  }
}

private func selectionTable(_ rows: [ExperimentRecord.Selection], _ caption: String, isByRule: Bool) -> DataTable {
  let names = ExperimentRecord.Selection.names
  let styles = Dictionary(
    uniqueKeysWithValues: names.map { name in
      (name, NumberStyle(rows.compactMap { $0.figures[name]?.value }, digits: name == "threshold" ? 4 : 3))
    })
  return DataTable(
    caption: caption,
    headings: ["arm", "bad samples"] + [isByRule ? "rule" : "client"] + names.map { $0.replacing("_", with: " ") },
    rows: rows.map { row in
      [.text(row.arm), .text(percent(row.share)), .text(isByRule ? row.rule ?? "the arm's own" : row.client ?? "all")]
        + names.map { name in
          guard let value = row.figures[name]?.value, let style = styles[name] else { return .none }
          return .number(value, style)
        }
    })
}

private func kindsSection(_ record: ExperimentRecord) -> Section? {
  let rows = record.selections.filter { $0.rule == nil && $0.client == nil && !$0.kept.isEmpty }
  guard !rows.isEmpty else { return nil }
  let style = NumberStyle(shares: rows.flatMap { $0.kept.compactMap(\.value.value) } + [1])
  return Section("kinds", "Which bad samples slip through") {
    paragraph("The share of the bad samples of each kind that is kept: the lower, the better.", class: "soft")
    DataTable(
      caption: "Bad samples that are kept", headings: ["arm", "bad samples"] + record.kinds,
      rows: rows.map { row in
        [.text(row.arm), .text(percent(row.share))]
          + record.kinds.map { kind in
            row.kept.first { $0.key == kind }?.value.value.map { .number($0, style) } ?? .none
          }
      }
    ).markup
  }
}

private func thresholdsSection(_ record: ExperimentRecord) -> Section? {
  guard record.selections.contains(where: { $0.rule != nil }) else { return nil }
  return Section("thresholds", "Threshold rules") {
    paragraph("The same scores, decided by other rules.", class: "soft")
    selectionTable(record.selections.filter { $0.client == nil }, "Threshold rules", isByRule: true).markup
  }
}

private func answersSection(_ record: ExperimentRecord) -> Section? {
  guard !record.examples.isEmpty else { return nil }
  return Section("answers", "Sample answers") {
    paragraph(
      "The first test samples of each client as the models got them, and what the merged model of each arm wrote, always with "
        + "the likeliest word.", class: "soft")
    for example in record.examples {
      element("h3") { name(example.client) }
      element("pre") { element("code") { Markup(lines: example.question) } }
      DataTable(
        caption: "Answers", headings: ["model", "answer"],
        rows: [[.text("due"), .text(example.reference)]] + example.answers.map { [.text($0.key), .text($0.value)] }
      ).markup
    }
  }
}
