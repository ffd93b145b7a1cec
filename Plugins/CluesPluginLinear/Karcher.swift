import Glibc
import PluginKit

/// The mean of directions on the sphere, with the mean length.
struct Karcher: LinearMergeMethod {
  static let id = "karcher"
  static let summary = "The mean direction of the clients' updates on the sphere, with their mean length."
  static let details = """
    The direction μ minimizes Σ wᵢ θᵢ², with θᵢ the angle between μ and ΔWᵢ (the Karcher or Riemannian mean; for two \
    clients the middle of slerp's arc). Starting from the mean of the unit vectors, it is iterated until ‖T‖ < tol:

        T = Σ wᵢ θᵢ/sin θᵢ (uᵢ − cos θᵢ μ)
        μ ← cos‖T‖ μ + sin‖T‖ T/‖T‖

    The length is Σ wᵢ ‖ΔWᵢ‖. The weights are divided by their sum.

    An update of zero has no direction, but counts in the length. Only inner products are needed, so no matrix is ever \
    formed. mergekit's karcher has equal weights and stops silently after 10 steps; here it is an error if the mean is \
    not found, or is undefined because the directions cancel out.
    """
  static let reference = "Karcher 1977; Grove and Karcher 1973"
  static let innerProducts: InnerProducts = [.module, .adapter]

  @Parameter("The maximum number of steps.", in: 1...100_000) var maxIter = 100
  @Parameter("The step length, as an angle, at which the search ends.", in: 1e-12...1, unit: "radian")
  var tol = 1e-9
  @Parameter("Whether angles are those of each module or of the whole adapters.") var scope = Scope.matrix

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    let weights = try unit.positiveShares()
    let geometry = Geometry(unit, scope)
    let places = weights.indices.filter { geometry.norm($0) > 0 && weights[$0] > 0 }
    var coefficients = [Double](repeating: 0, count: weights.count)
    guard !places.isEmpty else { return coefficients }
    let direction = try mean(
      places.map { i in places.map { geometry.cosine(i, $0) } },
      weights: places.map { weights[$0] / places.reduce(0) { $0 + weights[$1] } })
    let length = weights.indices.reduce(0) { $0 + weights[$1] * geometry.norm($1) }
    for (index, share) in zip(places, direction) { coefficients[index] = length * share / geometry.norm(index) }
    return coefficients
  }

  /// The Karcher mean of unit vectors with these cosines, as their coefficients.
  private func mean(_ cosines: [[Double]], weights: [Double]) throws -> [Double] {
    func products(_ coefficients: [Double]) -> [Double] {
      cosines.map { row in zip(row, coefficients).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    func length(_ coefficients: [Double]) -> Double {
      max(0, zip(coefficients, products(coefficients)).reduce(0) { $0 + $1.0 * $1.1 }).squareRoot()
    }
    let start = length(weights)
    guard start > 1e-6 else {
      throw PluginError("the clients' directions cancel out, so they have no mean on the sphere; use average instead")
    }
    var mean = weights.map { $0 / start }
    for _ in 0..<maxIter {
      var tangent = mean.map { _ in 0.0 }
      var along = 0.0
      for (index, product) in products(mean).enumerated() {
        let cosine = min(1, max(-1, product))
        let angle = acos(cosine)
        // θ/sin θ tends to 1 as θ tends to 0.
        let pull = weights[index] * (angle < 1e-9 ? 1 : angle / max(sin(angle), .leastNormalMagnitude))
        tangent[index] += pull
        along += pull * cosine
      }
      for index in mean.indices { tangent[index] -= along * mean[index] }
      let step = length(tangent)
      if step < tol { return mean }
      for index in mean.indices { mean[index] = cos(step) * mean[index] + sin(step) * tangent[index] / step }
      let size = length(mean)
      for index in mean.indices { mean[index] /= size }
    }
    throw PluginError("no mean direction found after \(maxIter) steps; raise max_iter or tol")
  }
}
