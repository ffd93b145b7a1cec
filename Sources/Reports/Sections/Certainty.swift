import Records

/// How certain the threshold is; empty for records without it, and for rules that use nothing that can be resampled.
func certainty(_ run: RunRecord) -> Markup {
  guard let bootstrap = run.selection?.bootstrap, !bootstrap.resamplings.isEmpty else { return .nothing }
  let numbers = bootstrap.resamplings.flatMap { [$0.threshold?.range, $0.deviations?.range].compactMap { $0 } }
  let scores = NumberStyle(
    bootstrap.resamplings.compactMap(\.threshold?.range).flatMap { [$0.lowerBound, $0.upperBound] })
  let deviations = NumberStyle(numbers.isEmpty ? [] : [1.0], digits: 3)
  func ends(_ range: ClosedRange<Double>?, _ style: NumberStyle) -> [Cell] {
    range.map { [.number($0.lowerBound, style), .number($0.upperBound, style)] } ?? [.none, .none]
  }
  let shares = NumberStyle(shares: bootstrap.resamplings.map(\.unsureShare))
  return Markup([
    element("h3") { "How certain the threshold is" },
    paragraph(
      "The threshold was recomputed \(whole(bootstrap.draws)) times from evidence resampled with replacement. In nine "
        + "of ten draws it lies between the two ends, in scores and in standard deviations of the anchors from their mean. "
        + "A decision is unsure if more than one draw in ten reverses it. Draws of more than there are show what more would "
        + "change.", class: "soft"),
    DataTable(
      caption: "The threshold on drawn anchors, samples and clients",
      headings: ["drawn", "lower end", "upper end", "in deviations", "to", "unsure", "share"],
      rows: bootstrap.resamplings.map { resampling in
        [.text(resampling.name)] + ends(resampling.threshold?.range, scores)
          + ends(resampling.deviations?.range, deviations)
          + [.whole(resampling.unsure), .number(resampling.unsureShare, shares)]
      }
    ).markup,
  ])
}

extension SelectionRecord.Resampling {
  fileprivate var unsureShare: Double { scored > 0 ? Double(unsure) / Double(scored) : 0 }

  fileprivate var name: String {
    guard more > 0 else { return drawn }
    return drawn == "clients" ? "clients, \(whole(more)) more" : "anchors, \(whole(more)) more of each client"
  }
}
