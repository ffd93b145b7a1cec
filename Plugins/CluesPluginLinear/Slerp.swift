import Glibc
import PluginKit

/// The point on the arc between two updates.
struct Slerp: LinearMergeMethod {
  static let id = "slerp"
  static let summary = "Interpolates between two clients' updates along an arc instead of a straight line."
  static let details = """
    With θ the angle between the two updates:

        ΔW = sin((1 − t)θ)/sin θ · ΔW₁ + sin(tθ)/sin θ · ΔW₂

    The first client is the one whose name sorts first. By default the weights decide, and equal weights give one half:

        t = w₂ / (w₁ + w₂)

    If the updates are nearly parallel or opposite (|cos θ| > 0.9995), or one of them is zero, a straight line is used: \
    (1 − t) ΔW₁ + t ΔW₂. The angle is that of the unit vectors, and the updates keep their lengths; mergekit does the \
    same with whole tensors.
    """
  static let reference = "Shoemake 1985, Animating rotation with quaternion curves"
  static let inputCounts = 2...2
  static let innerProducts: InnerProducts = [.module, .adapter]

  @Parameter("How far to go from the first client, by name, to the second; by default the weights decide.", in: 0...1)
  var t: Double? = nil
  @Parameter("Whether the angle is per module or between whole adapters.") var scope = Scope.matrix

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    let t: Double
    if let given = self.t {
      try unit.checkThatWeightsAreEqual("give t or weights, not both")
      t = given
    } else {
      t = try unit.positiveShares()[1]
    }
    let geometry = Geometry(unit, scope)
    let cosine = geometry.cosine(0, 1)
    guard abs(cosine) <= 0.9995, geometry.norm(0) > 0, geometry.norm(1) > 0 else { return [1 - t, t] }
    let angle = acos(cosine)
    return [sin((1 - t) * angle) / sin(angle), sin(t * angle) / sin(angle)]
  }
}
