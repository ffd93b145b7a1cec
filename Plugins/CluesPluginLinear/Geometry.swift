import PluginKit

/// Lengths and angles of the clients' updates, for the current module or the whole adapter.
struct Geometry {
  /// ⟨ΔWᵢ, ΔWⱼ⟩ in the order of the inputs.
  private let products: [[Double]]

  init(_ unit: MergeUnit, _ scope: Scope) {
    products = unit.inputs.map { first in
      unit.inputs.map { second in
        scope == .matrix ? unit.innerProduct(first, second) : unit.adapterInnerProduct(first, second)
      }
    }
  }

  func norm(_ index: Int) -> Double { max(0, products[index][index]).squareRoot() }

  /// The cosine of the angle between two updates; 0 if one of them is zero and has no direction.
  func cosine(_ i: Int, _ j: Int) -> Double {
    let lengths = norm(i) * norm(j)
    return lengths > 0 ? min(1, max(-1, products[i][j] / lengths)) : 0
  }

  /// ‖ΔWᵢ − ΔWⱼ‖².
  func squaredDistance(_ i: Int, _ j: Int) -> Double {
    max(0, products[i][i] + products[j][j] - 2 * products[i][j])
  }
}

/// Where an angle or a distance is measured.
enum Scope: String, ParameterChoice { case matrix, adapter }
