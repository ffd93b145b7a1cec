import Diagnostics
import Foundation
import Merging

extension Vetting {
  /// The ranking as a table, then the reasons.
  func text(_ page: PageLayout = PageLayout()) -> String {
    let hasSteps = clients.contains { $0.trajectory != nil }
    let header =
      ["client", "suspicion", "norm", "median", "mean", "result", "without it"] + (hasSteps ? ["steps"] : [])
    var table = Table(header, numbers: 1..<header.count)
    for client in clients {
      let figures = client.figures
      let ends = figures.leavingOut.map { "\(cosineText($0.with)) → \(cosineText($0.without))" }
      table.add(
        [
          figures.client, client.suspicion.score.map { shown($0) } ?? "–", short(figures.norm),
          cosineText(figures.medianCosine), cosineText(figures.cosineWithOthers), cosineText(figures.cosineWithResult),
          ends ?? "–",
        ] + (hasSteps ? [cosineText(client.trajectory)] : []))
    }
    let parts =
      [table.text(page)]
      + clients.filter { !$0.suspicion.reasons.isEmpty }.map { reasons($0, page) }
      + [wrapped(verdict, to: page.columns), wrapped(legend(hasSteps), to: page.columns)]
    return parts.joined(separator: "\n\n")
  }

  /// How far a client is from the others, in bounds of the rule.
  private func shown(_ score: Double) -> String { score.isFinite ? String(format: "%.2f", score) : "∞" }

  private func reasons(_ client: VettedClient, _ page: PageLayout) -> String {
    ([oneLine(client.figures.client) + " stands out:"]
      + client.suspicion.reasons.map { "  - " + hanging($0.text, page).dropFirst(4) }
      + client.suspicion.remarks.map { hanging($0, page) }).joined(separator: "\n")
  }

  private func hanging(_ text: String, _ page: PageLayout) -> String {
    wrapped(oneLine(text), to: page.columns, indent: "    ")
  }

  /// What to make of it.
  private var verdict: String {
    let trustStatus = clients.count { !$0.suspicion.reasons.isEmpty }
    if clients.count < OutlierRule.leastClients {
      return (trustStatus == 0 ? "" : "Look at those named. ")
        + "Of two clients nobody can say which one is odd; from three on each is held against the others."
    }
    guard trustStatus > 0 else { return "Nobody stands out." }
    let isTurned = clients.contains { $0.suspicion.reasons.contains { $0.peculiarity == .direction } }
    return "Look at how those were trained before you leave them out (--without)."
      + (isTurned ? " Data of another kind than all others' makes a client stand out by its direction, too." : "")
  }

  private func legend(_ hasSteps: Bool) -> String {
    "suspicion: the distance from the others in bounds, above 1 a client stands out. median, mean: the median of the cosines "
      + "with the others' updates, and the cosine with their mean; result: that with the plain average of all. without it: the "
      + "median of the others' cosines with the average, before and after the client is left out."
      + (hasSteps
        ? " steps: the score by `trajectory`"
          + (anchors.isEmpty ? "." : ", against \(anchors.joined(separator: ", ")).") : "")
  }
}
