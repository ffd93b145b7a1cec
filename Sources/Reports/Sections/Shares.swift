import Records

/// The kept share and the weight of every client; nil if neither differs between clients.
func shareSection(_ run: RunRecord) -> Section? {
  let shares = run.selection?.clients ?? []
  let areEqual = Set(run.clients.map(\.weight)).count <= 1
  guard !shares.isEmpty || !areEqual else { return nil }
  let weights = Dictionary(run.clients.map { ($0.name, $0.weight) }) { first, _ in first }
  return Section("shares", shares.isEmpty ? "The weight of every client" : "What is kept of every client") {
    paragraph(sentence(run, areEqual: areEqual))
    element("div", ["class": "pair"]) {
      if !shares.isEmpty {
        element("div") {
          element("h3") { "Kept share" }
          Bars(
            title: "Kept share of every client",
            description: "The share of each client's samples that is kept.",
            rows: shares.map { ($0.client, $0.keptShare) }, isShare: true
          ).markup
        }
      }
      if !areEqual {
        element("div") {
          element("h3") { "Weight" }
          Bars(
            title: "Weight of every client", description: "The weight of each client in the merge.",
            rows: run.clients.map { ($0.name, $0.weight) }, isShare: false
          ).markup
        }
      }
    }
    if shares.isEmpty {
      table(run.clients.map { ($0.name, nil, $0.weight) }).folded
    } else {
      table(shares.map { ($0.client, $0, weights[$0.client]) }).folded
    }
  }
}

private func sentence(_ run: RunRecord, areEqual: Bool) -> String {
  guard run.merge != nil else { return "Nothing was merged, so the clients have no weights." }
  if areEqual { return "All clients that take part have the same weight." }
  let rule = run.recipe.objectValue?["weights"]?.stringValue
  let source = rule.map { "The weights come from the recipe's rule “\($0)”" } ?? "The weights are set in the recipe"
  let dropped = (run.selection?.clients ?? []).count { share in !run.clients.contains { $0.name == share.client } }
  return source + (dropped > 0 ? "; \(counted(dropped, "client")) took no part." : ".")
}

private func table(_ rows: [(name: String, share: SelectionRecord.Client?, weight: Double?)]) -> DataTable {
  let shares = NumberStyle(shares: rows.compactMap { $0.share?.keptShare })
  let weights = NumberStyle(rows.compactMap { $0.weight })
  return DataTable(
    caption: "Kept share and weight", headings: ["client", "kept", "scored", "unscored", "kept share", "weight"],
    rows: rows.map { name, share, weight in
      [.text(name)]
        + (share.map { share in
          [.whole(share.kept), .whole(share.scored), .whole(share.unscored), .number(share.keptShare, shares)]
        } ?? Array(repeating: .none, count: 4)) + [weight.map { .number($0, weights) } ?? .none]
    })
}
