import Glibc
import PluginKit

/// Γ: a sample's gradient as Adam would turn it into an update, were the sample the next batch.
///
///     m' = β₁·m + (1−β₁)·g        v' = β₂·v + (1−β₂)·g²
///     Γ  = m' / √(v' + ε)          with ε inside the root (CLUES, LESS)
///     Γ  = m' / (√v' + ε)          with ε outside (PyTorch)
///
/// Without momentum the numerator is g. With bias correction m' is divided by 1−β₁ᵗ⁺¹ and v' by 1−β₂ᵗ⁺¹.
struct Preconditioner {
  /// Where ε stands.
  enum Epsilon: String, ParameterChoice { case inside, outside }

  let epsilonPlace: Epsilon
  private let epsilon: Float
  /// Γ's numerator is `first.0`·m + `first.1`·g; under the root is `second.0`·v + `second.1`·g².
  private let first: (Float, Float)
  private let second: (Float, Float)

  /// - parameter correctedAt: The optimizer's step, if its moments are to be corrected for their start at zero.
  init(
    betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, _ epsilonPlace: Epsilon = .inside,
    momentum: Bool = true, correctedAt step: Double? = nil
  ) {
    let corrections = step.map { (1 - pow(betas.0, $0 + 1), 1 - pow(betas.1, $0 + 1)) } ?? (1, 1)
    self.epsilonPlace = epsilonPlace
    self.epsilon = Float(epsilon)
    first = momentum ? (Float(betas.0 / corrections.0), Float((1 - betas.0) / corrections.0)) : (0, 1)
    second = (Float(betas.1 / corrections.1), Float((1 - betas.1) / corrections.1))
  }

  private func apply(
    to gradient: Floats, first m: Floats, second v: Floats, into result: UnsafeMutableBufferPointer<Float>
  ) {
    let whole = gradient.count & ~7
    let target = UnsafeMutableRawPointer(result.baseAddress!)
    for place in stride(from: 0, to: whole, by: 8) {
      let g = gradient.eight(place)
      let numerator = first.0 * m.eight(place) + first.1 * g
      let square = second.0 * v.eight(place) + second.1 * (g * g)
      let divisor =
        epsilonPlace == .inside ? (square + epsilon).squareRoot() : square.squareRoot() + epsilon
      target.storeBytes(
        of: numerator / divisor, toByteOffset: place * MemoryLayout<Float>.stride, as: SIMD8<Float>.self)
    }
    for place in whole..<gradient.count {
      let g = gradient[place]
      let square = second.0 * v[place] + second.1 * (g * g)
      let divisor =
        epsilonPlace == .inside ? (square + epsilon).squareRoot() : square.squareRoot() + epsilon
      result[place] = (first.0 * m[place] + first.1 * g) / divisor
    }
  }

  /// Γ of a piece of a gradient with respect to a tensor, put into `room` for at least ``pieceLength`` elements.
  func piece(
    _ range: Range<Int>, of gradient: Floats, _ tensor: GradientTensor, in room: UnsafeMutableBufferPointer<Float>
  ) -> Floats {
    apply(
      to: gradient.part(range), first: tensor.firstMoment.part(range), second: tensor.secondMoment.part(range),
      into: room)
    return Floats(rebasing: UnsafeBufferPointer(room)[..<range.count])
  }

  /// How many second moments are so far below ε that ε alone decides the divisor, to within five percent.
  func inertCount(_ v: Floats) -> Int {
    v.count { value in
      let square = second.0 * value
      return epsilonPlace == .inside ? square < 0.1 * epsilon : square.squareRoot() < 0.05 * epsilon
    }
  }
}
