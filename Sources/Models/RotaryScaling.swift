import Diagnostics
import Glibc

/// How the frequencies of a rotary embedding are scaled, so that a model supports longer texts than it was trained for.
enum RotaryScaling: Equatable {
  case none

  /// All frequencies are divided by `factor`.
  case linear(factor: Double)

  /// Llama 3.1: low frequencies are divided, high ones are not, with a transition in between.
  case llama3(factor: Double, low: Double, high: Double, trainedLength: Double)

  case yarn(Yarn)

  /// Each frequency is divided by its own factor.
  case factors([Float])

  /// Peng et al. 2023, https://arxiv.org/abs/2309.00071, with the settings of transformers.
  struct Yarn: Equatable {
    var factor: Double
    var trainedLength: Double

    /// The factor of sines and cosines.
    var scale: Double

    /// Turns within the trained length above which a frequency is kept, and below which it is divided by `factor`.
    var fast: Double = 32
    var slow: Double = 1

    /// Whether the bounds of the transition are whole numbers.
    var truncates = true
  }
}

extension RotaryEmbedding {
  /// The frequencies base^(-2i / headWidth), scaled.
  ///
  /// Every step is rounded to float32 where torch rounds in transformers; only torch's power of two floats is not always the
  /// nearest float, as it is here.
  ///
  /// - throws: ``Failure`` `badData` if the settings lead to frequencies that are not finite.
  init(headWidth: Int, base: Double, scaling: RotaryScaling) throws {
    let powers = stride(from: 0, to: headWidth, by: 2).map { place in
      Float(pow(Double(Float(base)), Double(Float(place) / Float(headWidth))))
    }
    let plain = powers.map { 1 / $0 }
    var scale = 1.0
    var frequencies = plain
    switch scaling {
    case .none: break
    case .linear(let factor): frequencies = plain.map { $0 / Float(factor) }
    case .llama3(let factor, let low, let high, let length):
      frequencies = plain.map { Self.llama3($0, factor: factor, low: low, high: high, trainedLength: length) }
    case .yarn(let yarn):
      scale = yarn.scale
      let ramp = yarn.ramp(headWidth: headWidth, base: base)
      frequencies = zip(powers, ramp).map { power, ramp in
        let kept = 1 - ramp
        return 1 / (Float(yarn.factor) * power) * (1 - kept) + 1 / power * kept
      }
    case .factors(let factors): frequencies = zip(plain, factors).map { $0 / $1 }
    }
    guard frequencies.allSatisfy(\.isFinite), Float(scale).isFinite else {
      throw Failure(.badData, "the settings of the rotary embedding lead to frequencies that are not finite")
    }
    self.init(frequencies: frequencies, scale: Float(scale))
  }

  private static func llama3(
    _ frequency: Float, factor: Double, low: Double, high: Double, trainedLength: Double
  ) -> Float {
    let wavelength = 1 / frequency * Float(2 * Double.pi)
    if wavelength > Float(trainedLength / low) { return frequency / Float(factor) }
    if wavelength < Float(trainedLength / high) { return frequency }
    let smooth = (1 / wavelength * Float(trainedLength) - Float(low)) / Float(high - low)
    return (1 - smooth) * frequency / Float(factor) + smooth * frequency
  }
}

extension RotaryScaling.Yarn {
  /// The usual scale of sines and cosines for `factor`, weighted by an `mscale`.
  static func usualScale(_ factor: Double, _ weight: Double = 1) -> Double {
    factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1
  }

  /// By pair: 0 if the frequency is kept, 1 if it is divided, [headWidth / 2].
  func ramp(headWidth: Int, base: Double) -> [Float] {
    func bound(_ turns: Double) -> Double {
      Double(headWidth) * log(trainedLength / (turns * 2 * .pi)) / (2 * log(base))
    }
    var (low, high) = (bound(fast), bound(slow))
    if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    (low, high) = (max(low, 0), min(high, Double(headWidth - 1)))
    if low == high { high += 0.001 }
    return (0..<headWidth / 2).map { min(max((Float($0) - Float(low)) / Float(high - low), 0), 1) }
  }
}
