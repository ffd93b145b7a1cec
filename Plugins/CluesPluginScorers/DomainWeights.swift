import PluginKit

/// The weight of each domain's mean validation gradient: 1 for the client's own, `others` for the rest.
struct DomainWeights {
  /// The domains that count, as indices in the checkpoint's, and their weights.
  let domains: [Int]
  let weights: [Double]

  init(_ checkpoint: Checkpoint, others: Double) throws {
    let all = checkpoint.domains.indices.map { ($0, $0 == checkpoint.ownDomain ? 1 : others) }
    let used = all.filter { $0.1 != 0 }
    guard !used.isEmpty else {
      let names = checkpoint.domains.joined(separator: ", ")
      throw PluginError(
        checkpoint.domains.isEmpty
          ? "the evidence of client '\(checkpoint.client)' has no validation gradients"
          : "client '\(checkpoint.client)' has no validation set of its own domain, only \(names); name its domain "
            + "in the manifest, or let the others count with scoring_weight")
    }
    domains = used.map(\.0)
    weights = used.map(\.1)
  }
}
