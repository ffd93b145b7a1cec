import Records

/// Each client's scores compared with its anchors and the threshold; nil without scores.
func scoreSection(_ run: RunRecord, _ samples: [ScoredSamples]) -> Section? {
  let shown = samples.filter { !($0.training.isEmpty && $0.anchors.isEmpty) }
  guard !shown.isEmpty else { return nil }
  let thresholds = run.selection.map { selection in
    let byClient = Dictionary(selection.clients.map { ($0.client, $0.threshold) }) { first, _ in first }
    return shown.map { byClient[$0.client] ?? .infinity }
  }
  let scorers = run.scorers.map(\.label).joined(separator: " + ")
  let scale =
    run.selection?.calibration == .client
    ? ", on the scale of each client's anchors" : run.scorers.count > 1 ? ", on the scale of the anchors" : ""
  let title = "Scores of every client's samples"
  let strips = Strips(
    title: title, description: verdict(run, samples),
    axisTitle: "score" + (scorers.isEmpty ? "" : " (\(scorers))") + scale,
    samples: shown, thresholds: thresholds)
  return Section("scores", "Distribution of scores") {
    paragraph(verdict(run, samples))
    paragraph(
      "One row per client. A bar's height is the share of the client's samples with that score; higher scores are better."
        + (strips.beyond > 0 ? " \(counted(strips.beyond, "score")) beyond the axis are drawn at its ends." : ""),
      class: "soft")
    figure(strips.markup, table(run, samples))
    shortfalls(run)
    certainty(run)
    reasons(samples)
  }
}

private func verdict(_ run: RunRecord, _ samples: [ScoredSamples]) -> String {
  guard let selection = run.selection else {
    return "\(counted(samples.reduce(0) { $0 + $1.training.count }, "sample")) scored; nothing was selected."
  }
  let kept = selection.clients.reduce(0) { $0 + $1.kept }
  let total = selection.clients.reduce(0) { $0 + $1.scored + $1.unscored }
  var text = "\(whole(kept)) of \(counted(total, "sample")) kept: those that score at least "
  text += selection.globalThreshold.map { "\(short($0)), the same threshold for all." } ?? "their client's threshold."
  if let mean = selection.anchors.mean, let deviation = selection.anchors.deviation {
    let style = NumberStyle([mean, deviation])
    text += " The \(counted(selection.anchors.count, "anchor")) have mean \(style.text(mean)) and "
    text += "standard deviation \(style.text(deviation))."
  }
  return text
}

private func table(_ run: RunRecord, _ samples: [ScoredSamples]) -> DataTable {
  let shares = Dictionary((run.selection?.clients ?? []).map { ($0.client, $0) }) { first, _ in first }
  let spreads = samples.map { samples in
    let sorted = samples.training.sorted()
    return sorted.isEmpty ? [] : [0, 0.25, 0.5, 0.75, 1].map { quantile($0, of: sorted) }
  }
  let style = NumberStyle(spreads.joined())
  func number(_ value: Double?) -> Cell { value.map { .number($0, style) } ?? .none }
  let shifts = samples.map { shares[$0.client]?.influence?.deviations }
  let shiftStyle = NumberStyle(shifts.compactMap { $0 })
  // Told from the time on when it was worked out, and only where anchors set the threshold.
  let showsShifts = shifts.contains { $0 != nil }
  return DataTable(
    caption: "Scores by client",
    headings: ["client", "scored", "unscored", "lowest", "quarter", "median", "three quarters", "highest"]
      + (run.selection == nil ? [] : ["threshold", "anchors", "their mean", "their deviation", "their offset"])
      + (showsShifts ? ["they move the threshold by (deviations)"] : []),
    rows: zip(zip(samples, spreads), shifts).map { pair, shift in
      let (samples, spread) = pair
      let row: [Cell] =
        [.text(samples.client), .whole(samples.training.count), .whole(samples.unscored.values.reduce(0, +))]
        + (spread.isEmpty ? Array(repeating: .none, count: 5) : spread.map { number($0) })
      guard run.selection != nil else { return row }
      let shifted: [Cell] = showsShifts ? [shift.map { .number($0, shiftStyle) } ?? .none] : []
      guard let share = shares[samples.client] else { return row + Array(repeating: .none, count: 5) + shifted }
      return row + [
        number(share.threshold), .whole(share.anchors.count), number(share.anchors.mean),
        number(share.anchors.deviation), number(share.anchorOffset),
      ] + shifted
    })
}

/// The respects in which the dropped samples fall short most; empty if scores are not combined by shortfall.
@MarkupBuilder private func shortfalls(_ run: RunRecord) -> Markup {
  let clients = run.selection?.clients.filter { $0.shortOf.contains { $0.value > 0 } } ?? []
  if let first = clients.first {
    let respects = first.shortOf.map(\.key)
    let dropped = clients.map { $0.scored - $0.kept }
    let title = "What dropped samples fall short of"
    let isTwoSided = run.scorers.contains { $0.side == "both" }
    element("h3") { title }
    paragraph(
      "A sample's shortfall by a scorer is the distance of its score below the anchors' mean, in their deviations"
        + (isTwoSided ? "; if that counts too (↑), also the distance beyond two deviations above it" : "")
        + ". The chart shows the share of each client's dropped samples that fall short most by each scorer.",
      class: "soft")
    figure(
      HeatMap(
        title: title, description: "The share of each client's dropped samples that fall short most by each scorer.",
        rows: clients.map(\.client), columns: respects.map { elided($0.replacing(" (above)", with: " ↑"), to: 13) },
        columnTitle: nil,
        values: zip(clients, dropped).map { client, dropped in
          client.shortOf.map { Double($0.value) / Double(dropped) }
        },
        isShare: true, strongest: 1, cellName: { "\(clients[$0].client), \(respects[$1])" }
      ).markup,
      DataTable(
        caption: title, headings: ["client", "dropped"] + respects,
        rows: zip(clients, dropped).map { client, dropped in
          [.text(client.client), .whole(dropped)] + client.shortOf.map { .whole($0.value) }
        }))
  }
}

/// Why samples are unscored.
private func reasons(_ samples: [ScoredSamples]) -> Markup {
  let rows = samples.flatMap { samples in
    samples.unscored.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (samples.client, $0.key, $0.value) }
  }
  guard !rows.isEmpty else { return .nothing }
  return DataTable(
    caption: "Unscored samples", headings: ["client", "reason", "samples"],
    rows: rows.map { [.text($0), .text($1), .whole($2)] }
  ).folded
}
