/// How alike the clients' updates are; nil for fewer than two clients.
func likenessSection(_ run: RunFile) -> Section? {
  guard let merge = run.merge, run.clients.count > 1 else { return nil }
  let names = run.clients.map(\.name)
  let pairs = names.indices.flatMap { i in
    names.indices.dropFirst(i + 1).map { j in Pair(first: names[i], second: names[j], cosine: merge.cosines[i][j]) }
  }.sorted { $0.cosine < $1.cosine }
  guard let least = pairs.first, let most = pairs.last else { return nil }
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
    let compared = merge.comparedModules ?? merge.modules.count
    let modules = compared < merge.modules.count ? "\(compared) of \(merge.modules.count) modules" : "all modules"
    paragraph(
      "The cosine between two clients' updates over \(modules): 1 is the same direction, 0 nothing in common, −1 the "
        + "opposite.", class: "soft")
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
