/// How alike the clients' updates are; nil for fewer than two clients.
func likenessSection(_ run: RunFile) -> Section? {
  guard let merge = run.merge, run.clients.count > 1 else { return nil }
  let names = run.clients.map(\.name)
  let pairs = names.indices.flatMap { i in
    names.indices.dropFirst(i + 1).compactMap { j in
      merge.cosines[i][j].map { Pair(first: names[i], second: names[j], cosine: $0) }
    }
  }.sorted { $0.cosine < $1.cosine }
  guard let least = pairs.first, let most = pairs.last else {
    return Section("likeness", "How alike the clients are") {
      paragraph("No two clients share a module, so there is nothing to compare.")
      updates(run)
    }
  }
  let style = NumberStyle(pairs.map(\.cosine), digits: 3)
  // Where names do not fit above the columns, numbers stand for them.
  let isNarrow = names.count > 8
  let title = "Cosines between the clients' updates"
  return Section("likeness", "How alike the clients are") {
    element("p") {
      "Least alike are "
      named(least, style)
      if pairs.count > 1 {
        ", most alike "
        named(most, style)
      }
      "."
    }
    let shared = merge.sharedModules ?? merge.modules.count
    let compared = merge.comparedModules ?? merge.modules.count
    let all = shared < merge.modules.count ? "the \(whole(shared)) modules that clients share" : "all modules"
    let modules = compared < shared ? "\(whole(compared)) of \(all)" : all
    paragraph(
      "The cosine between two clients' updates, each pair's over those of \(modules) that both have: 1 is the same "
        + "direction, 0 nothing in common, −1 the opposite.", class: "soft")
    figure(
      HeatMap(
        title: title,
        description:
          "The cosines between every two clients lie between \(style.text(least.cosine)) and \(style.text(most.cosine)).",
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

/// How each client's update stands beside the others' and the result; nothing for records that do not tell.
@MarkupBuilder private func updates(_ run: RunFile) -> Markup {
  let updates = run.clients.compactMap(\.update)
  if updates.count == run.clients.count {
    let norms = NumberStyle(updates.map(\.norm))
    let cosines = NumberStyle([1.0], digits: 4)
    let isLinear = updates.contains { $0.coefficients != nil }
    let coefficients = NumberStyle(updates.compactMap { $0.coefficients?.upperBound })
    element("h3") { "Each client's update" }
    paragraph(
      "The norm is taken over all modules of the client, the cosines over those in which clients were compared. The mean of "
        + "the others is that of their directions: each counts with length 1."
        + (isLinear ? " The coefficient is what the method multiplied the update with, from module to module." : ""),
      class: "soft")
    DataTable(
      caption: "Clients' updates",
      headings: ["client", "norm", "cosine with the result", "cosine with the mean of the others"]
        + (isLinear ? ["least coefficient", "largest coefficient"] : []) + ["remark"],
      rows: zip(run.clients, updates).map { client, update in
        [
          .text(client.name), .number(update.norm, norms),
          update.cosineWithResult.map { .number($0, cosines) } ?? .none,
          update.cosineWithOthers.map { .number($0, cosines) } ?? .none,
        ]
          + (isLinear
            ? [update.coefficients?.lowerBound, update.coefficients?.upperBound].map { value in
              value.map { .number($0, coefficients) } ?? .none
            } : [])
          + [.text(update.standsOut ? "stands out" : "")]
      }
    ).markup
  }
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
