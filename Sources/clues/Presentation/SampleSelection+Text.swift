import Diagnostics
import JSON
import Scoring

extension SampleSelection {
  /// What is kept of each client, and by which threshold.
  func text(_ page: PageLayout = PageLayout()) -> String {
    let isGlobal = globalThreshold != nil
    // There is nothing to show unless the rule uses anchors.
    let showsInfluence = clients.contains { $0.influence.map { $0.deviations ?? 0 != 0 || $0.decisions > 0 } ?? false }
    let header =
      ["client", "samples", "kept", "share"] + (isGlobal ? [] : ["threshold"]) + ["anchors", "anchor offset"]
      + (showsInfluence ? ["moves threshold"] : [])
    var table = Table(header, numbers: 1..<header.count)
    for client in clients {
      let own = isGlobal ? [] : [shown(client.threshold)]
      table.add(
        [client.client, "\(client.total)", "\(client.kept)", percent(client.keptShare)] + own
          + ["\(client.anchors.count)", shown(client.anchorOffset)]
          + (showsInfluence ? [client.influence?.deviations.map { "\(short($0, beside: 1)) σ" } ?? "–"] : []))
    }
    var facts = Facts()
    describe(in: &facts)
    let parts = [
      table.text(page), shortfallText(page), facts.text(columns: page.columns), bootstrap?.text(page) { shown($0) },
    ]
    return (parts.compactMap { $0 } + [offsetRemark].compactMap { $0 }.map { wrapped($0, to: page.columns) })
      .joined(separator: "\n\n")
  }

  /// Threshold, rule and anchors.
  func describe(in facts: inout Facts) {
    facts.add("threshold", globalThreshold.map { "\(shown($0)) for all clients" } ?? "one for each client")
    facts.add("rule", "\(rule) \(parameters.text())" + (calibratesClients ? ", scores calibrated by client" : ""))
    facts.add(
      "anchors",
      "\(anchors.count), mean \(shown(anchors.mean)), deviation \(short(anchors.deviation)), "
        + "standard error \(short(anchors.standardError))")
  }

  /// How certain the threshold is.
  func describeCertainty(in facts: inout Facts) {
    if let sentence = bootstrap?.sentence(shown: { shown($0) }) { facts.add("certainty", sentence) }
  }

  /// Advice if clients' scores seem to be on different scales.
  var offsetRemark: String? {
    guard !calibratesClients, let far = clients.max(by: { abs($0.anchorOffset) < abs($1.anchorOffset) }),
      abs(far.anchorOffset) > anchors.deviation, clients.count > 1
    else { return nil }
    return
      "The anchors of '\(far.client)' lie \(shown(far.anchorOffset)) from those of all clients, more than one deviation: "
      + "its scores may be on a different scale, which --calibrate (select.calibrate: client) corrects."
  }

  /// A score, shown as 0 if it is no more than rounding compared with the anchors'.
  private func shown(_ score: Double) -> String {
    short(score, beside: max(anchors.deviation, abs(anchors.mean)))
  }
}
