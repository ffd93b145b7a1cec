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

  /// The distance of a client from the others, in units of the rule's bounds.
  private func shown(_ score: Double) -> String { score.isFinite ? String(format: "%.2f", score) : "∞" }

  private func reasons(_ client: VettedClient, _ page: PageLayout) -> String {
    ([oneLine(client.figures.client) + " stands out:"]
      + client.suspicion.reasons.map { "  - " + hanging($0.text, page).dropFirst(4) }
      + client.suspicion.remarks.map { hanging($0, page) }).joined(separator: "\n")
  }

  private func hanging(_ text: String, _ page: PageLayout) -> String {
    wrapped(oneLine(text), to: page.columns, indent: "    ")
  }

  /// The conclusion.
  private var verdict: String {
    let trustStatus = clients.count { !$0.suspicion.reasons.isEmpty }
    if clients.count < OutlierRule.leastClients {
      return (trustStatus == 0 ? "" : "Look at the clients named above. ")
        + "With two clients, nothing can tell which one is odd; with three or more, each is compared with the others."
    }
    guard trustStatus > 0 else { return "Nobody stands out." }
    let isTurned = clients.contains { $0.suspicion.reasons.contains { $0.peculiarity == .direction } }
    return "Check how these clients were trained before you leave them out (--without)."
      + (isTurned ? " A client with a different kind of data also stands out by its direction." : "")
  }

  private func legend(_ hasSteps: Bool) -> String {
    "suspicion: the distance from the others; above 1, a client stands out. median, mean: the median of the cosines "
      + "with the others' updates, and the cosine with their mean; result: the cosine with the plain average of all. without it: the "
      + "median of the others' cosines with the average, before and after leaving the client out."
      + (hasSteps
        ? " steps: the score of `trajectory`"
          + (anchors.isEmpty ? "." : ", against \(anchors.joined(separator: ", ")).") : "")
  }
}
