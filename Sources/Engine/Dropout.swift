import Tensors

/// Dropout on the input of each adapted layer's A, as in PEFT: a number becomes 0 with probability `rate`, and is otherwise
/// divided by 1 − rate.
///
/// Which ones become 0 depends only on the sample's key, the layer, the feature and the position, not on other samples of the
/// pack or the number of threads; so the backward pass reproduces the choice of the forward pass.
struct Dropout: Sendable {
  let rate: Double

  /// By sample.
  let keys: [UInt64]
}

extension PackPass {
  /// Applies dropout to `x`, the input of an adapted layer or its gradient; `y` may be the same.
  func drop(_ x: Panels, into y: Panels, of module: AdaptedModule, _ panels: Int) {
    guard let dropout else { preconditionFailure("nothing is dropped without dropout") }
    let threshold = UInt32(dropout.rate * 4_294_967_296)
    let scale = Float(1 / (1 - dropout.rate))
    let onlyPredicting = module.role.stage != .attention && module.layer == shape.layerCount - 1
    let (ranges, positions) =
      onlyPredicting
      ? (pack.predictingRanges, pack.predicting.map { pack.positions[$0] }) : (pack.ranges, pack.positions)
    // Products include the lanes beyond the last token.
    let last = Panels(start: y.start + (panels - 1) * y.stride, features: y.features)
    if last.start != x.start + (panels - 1) * x.stride { last.clear(1) }
    for (place, range) in ranges.enumerated() {
      let stream = RandomStream(seed: dropout.keys[pack.samples[place]], module.name)
      // Whole blocks of random numbers for each feature, one for each position of the sample.
      let numbers = (pack.ranges[place].count + 3) / 4 * 4
      let most = max(1, 8192 / numbers)
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: most * numbers / 2) { words in
        for first in stride(from: 0, to: x.features, by: most) {
          let features = first..<min(first + most, x.features)
          stream.fill(
            UnsafeMutableBufferPointer(rebasing: words[..<(features.count * numbers / 2)]),
            from: UInt64(first * numbers / 2))
          words.withMemoryRebound(to: UInt32.self) { drawn in
            for panel in range.lowerBound / Panels.width...(range.upperBound - 1) / Panels.width {
              let start = panel * Panels.width
              let tokens = max(range.lowerBound, start)..<min(range.upperBound, start + Panels.width)
              for feature in features {
                let row = (feature - first) * numbers
                let (from, to) = (
                  x.start + panel * x.stride + feature * Panels.width,
                  y.start + panel * y.stride + feature * Panels.width
                )
                for token in tokens {
                  let isKept = drawn[row + positions[token]] >= threshold
                  to[token - start] = isKept ? from[token - start] * scale : 0
                }
              }
            }
          }
        }
      }
    }
  }
}
