import PluginKit

/// What the mean validation gradient of each domain counts for: 1 for the client's own, `others` for the rest.
struct DomainWeights {
  /// The domains that count, as places in the checkpoint's, and what they count for.
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
          : "no validation set is of the own domain of client '\(checkpoint.client)', only \(names); name its domain "
            + "in the manifest, or let the others count with scoring_weight")
    }
    domains = used.map(\.0)
    weights = used.map(\.1)
  }
}
