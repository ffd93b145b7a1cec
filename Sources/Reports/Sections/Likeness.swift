/// How alike the clients' updates are; nil for fewer than two clients.
func likenessSection(_ run: RunFile) -> Section? {
  guard let merge = run.merge, run.clients.count > 1 else { return nil }
  let names = run.clients.map(\.name)
  let pairs = names.indices.flatMap { i in
    names.indices.dropFirst(i + 1).map { j in (first: names[i], second: names[j], cosine: merge.cosines[i][j]) }
  }.sorted { $0.cosine < $1.cosine }
  guard let least = pairs.first, let most = pairs.last else { return nil }
  let style = NumberStyle(pairs.map(\.cosine), digits: 3)
  var text = "Least alike are \(least.first) and \(least.second) (\(style.text(least.cosine)))"
  if pairs.count > 1 { text += ", most alike \(most.first) and \(most.second) (\(style.text(most.cosine)))" }
  // Where names do not fit above the columns, numbers stand for them.
  let isNarrow = names.count > 8
  let title = "Cosines between the clients' updates"
  return Section("likeness", "How alike the clients are") {
    paragraph(text + ".")
    paragraph(
      "The cosine between two clients' updates over all modules: 1 is the same direction, 0 nothing in common, −1 the "
        + "opposite.", class: "soft")
    figure(
      HeatMap(
        title: title, description: text + ".",
        rows: isNarrow ? names.enumerated().map { "\(elided($1, to: 18)) \($0 + 1)" } : names,
        columns: names.indices.map { isNarrow ? "\($0 + 1)" : elided(names[$0], to: 10) }, columnTitle: nil,
        values: names.indices.map { i in names.indices.map { j in i == j ? nil : merge.cosines[i][j] } },
        isShare: false, strongest: 1, cellName: { "\(names[$0]) and \(names[$1])" }
      ).markup,
      DataTable(
        caption: title, headings: ["client", "client", "cosine"],
        rows: pairs.map { [.text($0.first), .text($0.second), .number($0.cosine, style)] }))
  }
}
