/// The losses of several models over the same held-out samples, with intervals from drawing the samples anew.
package struct LossComparison: Sendable {
  /// A sample, and what every model makes of it.
  package struct Sample: Sendable {
    package let domain: String
    /// Those of one name and domain are drawn together.
    package let group: String?
    package let tokens: Int
    /// By model.
    package let losses: [Double]

    package init(domain: String, group: String?, tokens: Int, losses: [Double]) {
      (self.domain, self.group, self.tokens, self.losses) = (domain, group, tokens, losses)
    }
  }

  private let domains: [String]
  private let sums: PairedBootstrap.Sums

  /// - throws: ``Failure`` `interrupted`.
  package init(_ samples: [Sample], models: Int, draws: Int, seed: UInt64, threads: Int) throws {
    let perToken = Score(
      name: .perToken,
      numerators: (0..<models).map { model in samples.map { $0.losses[model] * Double($0.tokens) } },
      denominators: (0..<models).map { _ in samples.map { Double($0.tokens) } })
    let domains = SampleDomain.all(samples.map { ($0.domain, $0.group) })
    self.domains = domains.map(\.name)
    sums = try PairedBootstrap(draws: draws, seed: seed, threads: threads).sums(
      of: [perToken], domains: domains, drawn: {})
  }

  /// A number that follows from the models' losses per token, and its interval of 95 %.
  ///
  /// - parameter domain: Whose samples; nil for all.
  package func number(of domain: String? = nil, _ statistic: ([Double]) -> Double) -> Estimate {
    sums.number(domains.indices.filter { domain == nil || domains[$0] == domain }, score: 0, statistic)
  }
}
