import CKernels

/// Activations in panels of 32 tokens: [panels][features][32].
struct Panels {
  let start: UnsafeMutablePointer<Float>
  let features: Int

  static let width = Int(CLUES_PANEL)

  /// The number of floats from one panel to the next.
  var stride: Int { features * Self.width }

  static func count(of tokens: Int) -> Int { (tokens + width - 1) / width }

  /// The address of a feature of the first panel.
  func row(_ feature: Int) -> UnsafeMutablePointer<Float> { start + feature * Self.width }

  func clear(_ panels: Int) { start.update(repeating: 0, count: panels * stride) }

  func copy(_ other: Panels, _ panels: Int) { start.update(from: other.start, count: panels * stride) }

  func add(_ other: Panels, _ panels: Int) {
    for place in 0..<panels * stride { start[place] += other.start[place] }
  }

  /// The address of a token's first feature; the others follow at intervals of ``width`` floats.
  func token(_ place: Int) -> UnsafeMutablePointer<Float> {
    start + place / Self.width * stride + place % Self.width
  }

  /// Copies the tokens at `places` of `other`, one after the other.
  func gather(_ places: [Int], of other: Panels) {
    for (place, source) in places.enumerated() {
      let (to, from) = (token(place), other.token(source))
      for feature in 0..<features { to[feature * Self.width] = from[feature * Self.width] }
    }
  }

  /// Copies the tokens of `other`, one after the other, to `places`.
  func scatter(_ other: Panels, to places: [Int]) {
    for (place, target) in places.enumerated() {
      let (from, to) = (other.token(place), token(target))
      for feature in 0..<features { to[feature * Self.width] = from[feature * Self.width] }
    }
  }

  /// Writes rows of the tokens in `range`, with contiguous features, padded to `width` with zeros, times a factor.
  func turn(
    _ range: Range<Int>, features part: Range<Int>, times factor: Float, into rows: UnsafeMutablePointer<Float>,
    width: Int
  ) {
    for (row, place) in range.enumerated() {
      let (from, to) = (token(place), rows + row * width)
      for (column, feature) in part.enumerated() { to[column] = factor * from[feature * Self.width] }
      for column in part.count..<width { to[column] = 0 }
    }
  }
}

extension Panels {
  /// The same memory for fewer features.
  func prefix(_ features: Int) -> Panels {
    precondition(features <= self.features, "panels hold no more features than they have")
    return Panels(start: start, features: features)
  }
}
