import PluginKit

/// Whether a rule uses all clients' training samples together or each client's separately.
enum Scope: String, ParameterChoice {
  case global, client

  /// The threshold that `rule` finds: one for all, or each client's own.
  func thresholds(
    _ clients: [ClientScores], _ rule: (_ scores: [Double], _ whose: String) throws -> Double
  ) throws -> [Double] {
    switch self {
    case .global:
      let threshold = try rule(clients.flatMap(\.train), "the clients have")
      return clients.map { _ in threshold }
    case .client:
      return try clients.map { try rule($0.train, "client '\($0.client)' has") }
    }
  }
}
