import PluginKit

/// The client that is closest to its neighbours.
struct Krum: LinearMergeMethod {
  static let id = "krum"
  static let summary = "Takes the one client whose update is closest to those of its neighbours."
  static let details = """
    A client's score is the sum of its squared distances ‖ΔWᵢ − ΔWⱼ‖² to the n − f − 2 clients closest to it; the lowest \
    score wins, and the first name breaks ties. f is the number of clients that may be arbitrarily wrong; n must be at \
    least 2f + 3. Distances are between whole adapters (scope: adapter), so that all modules come from one client, or \
    separate for each module (scope: matrix). The method does not use weights: they must be equal.
    """
  static let reference =
    "Blanchard et al. 2017, Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent (arXiv 1703.02757)"
  static let inputCounts = 3...Int(UInt32.max)
  static let innerProducts: InnerProducts = [.module, .adapter]

  var neighbourhood = Neighbourhood()

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    try unit.checkThatWeightsAreEqual("use multi-krum, which weights the clients it keeps, or omit the weights")
    let chosen = try neighbourhood.ranking(unit)[0]
    return unit.inputs.indices.map { $0 == chosen ? 1 : 0 }
  }
}

/// The mean of the clients that are closest to their neighbours.
struct MultiKrum: LinearMergeMethod {
  static let id = "multi-krum"
  static let summary = "The weighted mean of the m clients whose updates are closest to those of their neighbours."
  static let details = """
    Scores are those of krum. The m clients with the lowest scores are averaged by their weights: Σ wᵢ ΔWᵢ / Σ wᵢ. By \
    default m is n − f − 2, the largest value for which the guarantee holds; m = 1 is krum.
    """
  static let reference = "Blanchard et al. 2017 (arXiv 1703.02757); El Mhamdi et al. 2018 (arXiv 1802.07927)"
  static let inputCounts = 3...Int(UInt32.max)
  static let innerProducts: InnerProducts = [.module, .adapter]

  var neighbourhood = Neighbourhood()
  @Parameter("The number of clients to average; by default n − f − 2.", in: 1...1_000_000) var m: Int? = nil

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    let count = unit.inputs.count
    let kept = m ?? count - neighbourhood.f - 2
    guard kept <= count else { throw PluginError("m is \(kept), but there are only \(count) clients") }
    let chosen = try neighbourhood.ranking(unit)[..<kept].sorted()
    let shares = try unit.positiveShares(chosen.map { unit.inputs[$0] })
    var coefficients = [Double](repeating: 0, count: count)
    for (index, share) in zip(chosen, shares) { coefficients[index] = share }
    return coefficients
  }
}

/// How Krum's scores are computed.
struct Neighbourhood: ParameterGroup {
  @Parameter("The number of clients that may be arbitrarily wrong.", in: 0...1_000_000) var f = 0
  @Parameter("Whether distances are between whole adapters or per module.") var scope = Scope.adapter

  /// The indices of the inputs, best first.
  func ranking(_ unit: MergeUnit) throws -> [Int] {
    let count = unit.inputs.count
    guard count >= 2 * f + 3 else {
      throw PluginError("\(count) clients cannot outvote \(f) wrong ones: at least 2f + 3 = \(2 * f + 3) are needed")
    }
    let geometry = Geometry(unit, scope)
    let scores = (0..<count).map { i in
      let distances = (0..<count).filter { $0 != i }.map { geometry.squaredDistance(i, $0) }
      return distances.sorted()[..<(count - f - 2)].reduce(0, +)
    }
    return (0..<count).sorted { (scores[$0], $0) < (scores[$1], $1) }
  }
}
