import Glibc

/// AdamW like PyTorch's `torch.optim.AdamW`, in float32: decoupled decay, bias-corrected moments.
struct AdamW: Sendable {
  struct Settings: Sendable, Equatable {
    var beta1, beta2, epsilon, weightDecay: Double
  }

  let settings: Settings

  /// The number of steps taken.
  private(set) var step = 0

  /// The running means of the gradients and of their squares, by factor.
  private(set) var first, second: [[Float]]

  init(_ settings: Settings, sizes: [Int]) {
    self.settings = settings
    first = sizes.map { Array(repeating: 0, count: $0) }
    second = first
  }

  /// Continues with saved moments.
  init(_ settings: Settings, step: Int, first: [[Float]], second: [[Float]]) {
    (self.settings, self.step, self.first, self.second) = (settings, step, first, second)
  }

  /// Takes a step. Numbers that PyTorch rounds to float32 are rounded here too.
  mutating func update(_ factors: inout [[Float]], _ gradients: [[Float]], rate: Double) {
    step += 1
    let (decay, own) = (Float(1 - rate * settings.weightDecay), Float(1 - settings.beta1))
    let (beta2, square) = (Float(settings.beta2), Float(1 - settings.beta2))
    let size = Float(-(rate / (1 - pow(settings.beta1, Double(step)))))
    let root = Float((1 - pow(settings.beta2, Double(step))).squareRoot())
    let epsilon = Float(settings.epsilon)
    for place in factors.indices {
      let count = factors[place].count
      factors[place].withUnsafeMutableBufferPointer { factor in
        first[place].withUnsafeMutableBufferPointer { first in
          second[place].withUnsafeMutableBufferPointer { second in
            gradients[place].withUnsafeBufferPointer { gradient in
              for element in 0..<count {
                let g = gradient[element]
                let m = first[element] + own * (g - first[element])
                let v = second[element] * beta2 + square * (g * g)
                first[element] = m
                second[element] = v
                factor[element] = factor[element] * decay + size * (m / (v.squareRoot() / root + epsilon))
              }
            }
          }
        }
      }
    }
  }
}
