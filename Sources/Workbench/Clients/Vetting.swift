import Diagnostics
import Foundation
import JSON
import PluginHost

/// Clients ranked by how suspicious their adapters are, with the figures and the reasons.
public struct Vetting: Sendable {
  /// Who stands out first, then by how far they are from the others.
  public let clients: [VettedClient]
  /// How many modules at least two clients have.
  public let sharedModules: Int
  /// The clients that were trained on anchors: others' steps are held against theirs, and they are not ranked.
  public let anchors: [String]
  public let notes: [Note]

  /// One client, as its adapter has it.
  public struct VettedClient: Sendable {
    public let figures: ClientFigures
    public let suspicion: Suspicion
    /// Its score by `trajectory`; nil where no checkpoints were read, or it cannot be scored.
    public let trajectory: Double?
    /// Its place in the ranking, from 1.
    public fileprivate(set) var rank = 0
  }

  init(
    _ modules: [ComparedModule], of clients: [String], trajectories: [Score]? = nil, anchors: [String] = [],
    notes: [Note] = []
  ) {
    let comparison = Comparison(modules, of: clients)
    let (figures, copies) = comparison.figures
    let scores = trajectories.map { $0.map(\.value) }
    // Without anchors the score goes by the mean of the others, which accuses nobody.
    let suspicions = OutlierRule.suspicions(of: figures, copies, trajectories: anchors.isEmpty ? nil : scores)
    self.clients = figures.indices.map { place in
      VettedClient(figures: figures[place], suspicion: suspicions[place], trajectory: scores?[place])
    }.sorted { $0.suspicion.precedes($1.suspicion) }.enumerated().map { place, client in
      var client = client
      client.rank = place + 1
      return client
    }
    sharedModules = comparison.sharedModules
    self.anchors = anchors
    self.notes = notes
  }
}

// MARK: - What is said of it

extension Vetting {
  /// The ranking as a table, then the reasons.
  public func text(_ page: PageLayout = PageLayout()) -> String {
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
    let standing = clients.count { !$0.suspicion.reasons.isEmpty }
    if clients.count < OutlierRule.leastClients {
      return (standing == 0 ? "" : "Look at those named. ")
        + "Of two clients nobody can say which one is odd; from three on each is held against the others."
    }
    guard standing > 0 else { return "Nobody stands out." }
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

  public var json: JSONValue {
    .object([
      "schema": "clues/vetting/1", "shared_modules": JSONValue(sharedModules), "anchors": JSONValue(anchors),
      "rule": [
        "least_clients": JSONValue(OutlierRule.leastClients), "deviations": .number(OutlierRule.deviations),
        "least_ratio": .number(OutlierRule.leastRatio), "least_drop": .number(OutlierRule.leastDrop),
        "least_module_ratio": .number(OutlierRule.leastModuleRatio),
      ],
      "clients": .array(clients.map(\.json)),
      "notes": .array(notes.map { ["severity": .string($0.severity.rawValue), "text": .string($0.text)] }),
    ])
  }
}

extension Vetting.VettedClient {
  fileprivate var json: JSONValue {
    func value(_ number: Double?) -> JSONValue { number.map { Workbench.number($0) } ?? .null }
    return .object([
      "rank": JSONValue(rank), "client": .string(figures.client), "norm": .number(figures.norm),
      "stands_out": JSONValue(suspicion.reasons.map(\.peculiarity.rawValue)), "suspicion": suspicion.json(figures),
      "cosine_with_others": value(figures.cosineWithOthers), "cosine_with_result": value(figures.cosineWithResult),
      "trajectory": value(trajectory),
      "modules": .array(
        figures.differences.map { module in
          [
            "module": .string(module.module), "cosine": value(module.cosine), "others": value(module.usualCosine),
            "norm_ratio": value(module.ratio),
          ]
        }),
    ])
  }
}
