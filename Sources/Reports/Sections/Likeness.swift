import Records

/// The similarity of the clients' updates; nil for fewer than two clients.
func likenessSection(_ run: RunRecord) -> Section? {
  guard let merge = run.merge, run.clients.count > 1 else { return nil }
  let names = run.clients.map(\.name)
  let pairs = names.indices.flatMap { i in
    names.indices.dropFirst(i + 1).compactMap { j in
      merge.cosines[i][j].map { Pair(first: names[i], second: names[j], cosine: $0) }
    }
  }.sorted { $0.cosine < $1.cosine }
  guard let least = pairs.first, let most = pairs.last else {
    return Section("likeness", "How similar the clients are") {
      paragraph("No two clients share a module, so there is nothing to compare.")
      updates(run)
    }
  }
  let style = NumberStyle(pairs.map(\.cosine), digits: 3)
  // If names do not fit above the columns, numbers are used instead.
  let isNarrow = names.count > 8
  let title = "Cosines between the clients' updates"
  return Section("likeness", "How similar the clients are") {
    element("p") {
      "Least similar are "
      named(least, style)
      if pairs.count > 1 {
        ", most similar "
        named(most, style)
      }
      "."
    }
    paragraph(
      "The cosine between two clients' updates over \(comparedModules(run, merge)): 1 is the same direction, 0 nothing in "
        + "common, −1 the opposite.", class: "soft")
    figure(
      HeatMap(
        title: title,
        description:
          "The cosines between pairs of clients range from \(style.text(least.cosine)) to \(style.text(most.cosine)).",
        rows: isNarrow ? names.enumerated().map { "\(elided($1, to: 20)) · \($0 + 1)" } : names,
        columns: names.indices.map { isNarrow ? "\($0 + 1)" : elided(names[$0], to: 13) }, columnTitle: nil,
        values: names.indices.map { i in names.indices.map { j in i == j ? nil : merge.cosines[i][j] } },
        isShare: false, strongest: 1, cellName: { "\(names[$0]) and \(names[$1])" }
      ).markup,
      DataTable(
        caption: title, headings: ["client", "client", "cosine"],
        rows: pairs.map { [.text($0.first), .text($0.second), .number($0.cosine, style)] }))
    updates(run)
  }
}

/// The modules over which the cosines are taken.
private func comparedModules(_ run: RunRecord, _ merge: RunRecord.Merge) -> String {
  let shared = merge.sharedModules ?? merge.modules.count
  let compared = merge.comparedModules ?? merge.modules.count
  guard merge.modules.contains(where: { $0.clients.count < run.clients.count }) else {
    return compared < shared ? "\(whole(compared)) of \(whole(shared)) modules" : "all modules"
  }
  let some = compared < shared ? "\(whole(compared)) among " : ""
  return "the modules that both have, of \(some)the \(whole(shared)) that clients share"
}

/// How each client's update compares with the others' and the result; empty for records without it.
@MarkupBuilder private func updates(_ run: RunRecord) -> Markup {
  let updates = run.clients.compactMap(\.update)
  // Records that say which clients stand out, and why, have a separate section.
  if updates.count == run.clients.count, updates.contains(where: { $0.suspicion == nil }) {
    let norms = NumberStyle(updates.map(\.norm))
    let cosines = NumberStyle([1.0])
    let ranges = updates.compactMap(\.coefficients)
    let coefficients = NumberStyle(ranges.map { max(abs($0.lowerBound), abs($0.upperBound)) })
    let ends = coefficientEnds(ranges)
    let standOut = updates.contains { !$0.standsOut.isEmpty }
    element("h3") { "Each client's update" }
    paragraph(
      "The norm is taken over all modules of the client, the cosines over those in which clients were compared. The mean of "
        + "the others is that of their directions: each is normalized first."
        + (ranges.isEmpty ? "" : " The coefficient is the method's factor for the update."), class: "soft")
    DataTable(
      caption: "Clients' updates",
      headings: ["client", "norm", "cosine: result", "cosine: others"] + ends.map(\.heading)
        + (standOut ? ["remark"] : []),
      rows: zip(run.clients, updates).map { client, update in
        let numbers: [Cell] =
          [.number(update.norm, norms)]
          + [update.cosineWithResult, update.cosineWithOthers].map { $0.map { .number($0, cosines) } ?? .none }
          + ends.map { end in update.coefficients.map { .number(end.end($0), coefficients) } ?? .none }
        return [.text(client.name)] + numbers + (standOut ? [.text(update.standsOut.isEmpty ? "" : "stands out")] : [])
      }
    ).markup
  }
}

/// The columns for coefficients of linear methods: one if they are the same in all modules.
func coefficientEnds(
  _ ranges: [ClosedRange<Double>]
) -> [(heading: String, end: (ClosedRange<Double>) -> Double)] {
  guard !ranges.isEmpty else { return [] }
  guard ranges.contains(where: { $0.lowerBound < $0.upperBound }) else { return [("coefficient", \.upperBound)] }
  return [("least coefficient", \.lowerBound), ("largest coefficient", \.upperBound)]
}

private struct Pair {
  let first: String
  let second: String
  let cosine: Double
}

/// "medical and financial (0.873)"
private func named(_ pair: Pair, _ style: NumberStyle) -> Markup {
  Markup([name(pair.first), Markup(" and "), name(pair.second), Markup(" (\(style.text(pair.cosine)))")])
}
