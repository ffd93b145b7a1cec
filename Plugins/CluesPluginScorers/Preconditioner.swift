import CKernels
import Glibc
import PluginKit

/// Γ: the update that Adam would make of a sample's gradient if the sample were the next batch.
///
///     m' = β₁·m + (1−β₁)·g        v' = β₂·v + (1−β₂)·g²
///     Γ  = m' / √(v' + ε)          with ε inside the root (CLUES, LESS)
///     Γ  = m' / (√v' + ε)          with ε outside (PyTorch)
///
/// Without momentum the numerator is g. With bias correction m' is divided by 1−β₁ᵗ⁺¹ and v' by 1−β₂ᵗ⁺¹.
struct Preconditioner {
  /// The position of ε.
  enum Epsilon: String, ParameterChoice { case inside, outside }

  private let rule: clues_preconditioner

  /// - parameter correctedAt: The optimizer's step, if its moments are to be corrected for their start at zero.
  init(
    betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, _ epsilonPlace: Epsilon = .inside,
    momentum: Bool = true, correctedAt step: Double? = nil
  ) {
    let corrections = step.map { (1 - pow(betas.0, $0 + 1), 1 - pow(betas.1, $0 + 1)) } ?? (1, 1)
    rule = clues_preconditioner(
      first_moment: momentum ? Float(betas.0 / corrections.0) : 0,
      first_gradient: momentum ? Float((1 - betas.0) / corrections.0) : 1,
      second_moment: Float(betas.1 / corrections.1), second_gradient: Float((1 - betas.1) / corrections.1),
      epsilon: Float(epsilon), epsilon_is_inside: epsilonPlace == .inside ? 1 : 0)
  }

  /// Γ of a piece of a gradient with respect to a tensor, put into `room` for at least ``pieceLength`` elements.
  func piece(
    _ range: Range<Int>, of gradient: Floats, _ tensor: GradientTensor, in room: UnsafeMutableBufferPointer<Float>
  ) -> Floats {
    let (gradient, m, v) = (gradient.part(range), tensor.firstMoment.part(range), tensor.secondMoment.part(range))
    let result = UnsafeMutableBufferPointer(rebasing: room[..<range.count])
    if let g = gradient.baseAddress, let m = m.baseAddress, let v = v.baseAddress, let target = result.baseAddress {
      withUnsafePointer(to: rule) { clues_precondition(g, m, v, $0, target, range.count) }
    }
    return Floats(result)
  }

  /// The number of second moments so far below ε that ε alone decides the divisor, to within five percent.
  func inertCount(_ v: Floats) -> Int {
    v.count { value in
      let square = rule.second_moment * value
      return rule.epsilon_is_inside != 0 ? square < 0.1 * rule.epsilon : square.squareRoot() < 0.05 * rule.epsilon
    }
  }
}
