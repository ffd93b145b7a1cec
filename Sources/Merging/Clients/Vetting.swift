import Diagnostics
import Foundation
import JSON
import PluginHost
import Records

/// Clients ranked by how suspicious their adapters are, with the figures and the reasons.
package struct Vetting: Sendable {
  /// Clients that stand out first, then by distance from the others.
  package let clients: [VettedClient]
  /// The number of modules that at least two clients have.
  package let sharedModules: Int
  /// The clients that were trained on anchors: others' steps are compared with theirs, and they are not ranked.
  package let anchors: [String]
  package let notes: [Note]

  /// One client, as its adapter has it.
  package struct VettedClient: Sendable {
    package let figures: ClientFigures
    package let suspicion: Suspicion
    /// Its `trajectory` score; nil if no checkpoints were read, or it cannot be scored.
    package let trajectory: Double?
    /// Its rank, from 1.
    package fileprivate(set) var rank = 0
  }

  package init(
    _ modules: [ComparedModule], of clients: [String], trajectories: [Score]? = nil, anchors: [String] = [],
    notes: [Note] = []
  ) {
    let comparison = Comparison(modules, of: clients)
    let (figures, copies) = comparison.figures
    let scores = trajectories.map { $0.map(\.value) }
    // Without anchors the score uses the mean of the others, which accuses nobody.
    let suspicions = OutlierRule.suspicions(of: figures, copies, trajectories: anchors.isEmpty ? nil : scores)
    self.clients = figures.indices.map { index in
      VettedClient(figures: figures[index], suspicion: suspicions[index], trajectory: scores?[index])
    }.sorted { $0.suspicion.precedes($1.suspicion) }.enumerated().map { index, client in
      var client = client
      client.rank = index + 1
      return client
    }
    sharedModules = comparison.sharedModules
    self.anchors = anchors
    self.notes = notes
  }
}

// MARK: - JSON

extension Vetting {
  package var json: JSONValue {
    .object([
      "schema": "clues/vetting/1", "shared_modules": JSONValue(sharedModules), "anchors": JSONValue(anchors),
      "rule": [
        "least_clients": JSONValue(OutlierRule.leastClients), "deviations": .number(OutlierRule.deviations),
        "least_ratio": .number(OutlierRule.leastRatio), "least_drop": .number(OutlierRule.leastDrop),
        "least_module_ratio": .number(OutlierRule.leastModuleRatio),
      ],
      "clients": .array(clients.map(\.json)),
      "notes": .array(notes.map { NoteRecord($0).json }),
    ])
  }
}

extension Vetting.VettedClient {
  fileprivate var json: JSONValue {
    func value(_ number: Double?) -> JSONValue { number.map { JSON.number($0) } ?? .null }
    return .object([
      "rank": JSONValue(rank), "client": .string(figures.client), "norm": .number(figures.norm),
      "stands_out": JSONValue(suspicion.reasons.map(\.peculiarity.rawValue)),
      "suspicion": SuspicionRecord(suspicion, figures).json,
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
