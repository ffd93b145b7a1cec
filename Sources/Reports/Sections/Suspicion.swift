import Records

/// Which clients stand out, and why; nil for fewer than two clients, and for records without it.
func suspicionSection(_ run: RunRecord) -> Section? {
  let clients = run.clients.compactMap { client in
    client.update.flatMap { update in update.suspicion.map { Suspect(name: client.name, update: update, suspicion: $0) }
    }
  }.sorted { $0.precedes($1) }
  guard clients.count == run.clients.count, clients.count > 1 else { return nil }
  let trustStatus = clients.filter { !$0.suspicion.reasons.isEmpty }
  return Section("suspicion", "Which clients to look at") {
    element("p") {
      if trustStatus.isEmpty {
        clients.count < 3 ? "With two clients, nothing can tell which one is odd." : "Nobody stands out."
      } else {
        "Of \(counted(clients.count, "client")) \(trustStatus.count == 1 ? "this one stands" : "these stand") out: "
        for (index, suspect) in trustStatus.enumerated() {
          if index > 0 { ", " }
          name(suspect.name)
        }
        "."
      }
    }
    paragraph(
      "With three or more clients, each is compared with the median of the others. Suspicion is its largest distance from them "
        + "in units of the rule's bounds: above 1 it stands out. Longer updates do not count for more, copies count "
        + "once, and medians hold as long as the colluding clients, plus one more, are no more than half."
        + comparison(run), class: "soft")
    paragraph(
      "Median, mean and result: the median of the cosines with the others' updates, the cosine with their mean, and that with the "
        + "merged update. With it and without it: the median of the others' cosines with the plain average of all, and of all but "
        + "the client. Of these, only the first can accuse a client. A client with a different kind of data also stands out by its "
        + "direction.", class: "soft")
    for suspect in trustStatus {
      element("div", ["class": "note warning"]) {
        element("strong") { name(suspect.name) }
        element("ul") {
          for text in suspect.suspicion.reasons { element("li") { text } }
          for text in suspect.suspicion.remarks { element("li", ["class": "soft"]) { text } }
        }
      }
    }
    table(clients).markup
  }
}

/// A remark if many clients were compared in only some modules.
private func comparison(_ run: RunRecord) -> String {
  guard let merge = run.merge, let compared = merge.comparedModules, let shared = merge.sharedModules, compared < shared
  else { return "" }
  return " Cosines are taken over \(whole(compared)) of \(whole(shared)) modules; clues vet uses all."
}

private struct Suspect {
  let name: String
  let update: RunRecord.Update
  let suspicion: SuspicionRecord

  func precedes(_ other: Suspect) -> Bool {
    if suspicion.reasons.isEmpty != other.suspicion.reasons.isEmpty { return !suspicion.reasons.isEmpty }
    // An update of zero is infinitely far out, which JSON cannot express.
    let (mine, theirs) = (score, other.score)
    return mine != theirs ? mine > theirs : name.utf8.lexicographicallyPrecedes(other.name.utf8)
  }

  private var score: Double { suspicion.score ?? (suspicion.reasons.isEmpty ? 0 : .infinity) }
}

private func table(_ clients: [Suspect]) -> DataTable {
  let norms = NumberStyle(clients.map(\.update.norm))
  let scores = NumberStyle(clients.compactMap(\.suspicion.score), digits: 3)
  let cosines = NumberStyle([1.0])
  let ranges = clients.compactMap(\.update.coefficients)
  let coefficients = NumberStyle(ranges.map { max(abs($0.lowerBound), abs($0.upperBound)) })
  let ends = coefficientEnds(ranges)
  func number(_ value: Double?, _ style: NumberStyle) -> Cell { value.map { .number($0, style) } ?? .none }
  return DataTable(
    caption: "Clients by suspicion",
    headings: [
      "client", "suspicion", "norm", "median", "mean", "result", "with it", "without it",
    ] + ends.map(\.heading),
    rows: clients.map { client in
      [
        .text(client.name), number(client.suspicion.score, scores), .number(client.update.norm, norms),
        number(client.suspicion.medianCosine, cosines), number(client.update.cosineWithOthers, cosines),
        number(client.update.cosineWithResult, cosines), number(client.suspicion.leavingOut?.with, cosines),
        number(client.suspicion.leavingOut?.without, cosines),
      ]
        + ends.map { end in client.update.coefficients.map { .number(end.end($0), coefficients) } ?? .none }
    })
}
