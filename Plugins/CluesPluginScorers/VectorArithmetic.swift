typealias Floats = UnsafeBufferPointer<Float>

/// Products are summed in double precision, eight running sums side by side; their order is fixed.
private typealias Sums = SIMD8<Double>

/// ⟨a, b⟩ of two vectors of the same length.
func innerProduct(_ a: Floats, _ b: Floats) -> Double {
  var sums = Sums.zero
  let whole = a.count & ~7
  for place in stride(from: 0, to: whole, by: 8) {
    sums += Sums(a.eight(place)) * Sums(b.eight(place))
  }
  var sum = sums.sum()
  for place in whole..<a.count { sum += Double(a[place]) * Double(b[place]) }
  return sum
}

/// Adds `factor` times a vector.
func add(_ factor: Double, times vector: Floats, to sum: inout [Double]) {
  sum.withUnsafeMutableBufferPointer { sum in
    for place in vector.indices { sum[place] += factor * Double(vector[place]) }
  }
}

extension UnsafeBufferPointer<Float> {
  /// Eight elements; the vector need not be aligned to more than a float.
  @inline(__always)
  func eight(_ place: Int) -> SIMD8<Float> {
    UnsafeRawPointer(baseAddress! + place).loadUnaligned(as: SIMD8<Float>.self)
  }

  func part(_ range: Range<Int>) -> Self { Self(rebasing: self[range]) }

  var isZero: Bool { !contains { $0 != 0 } }
}

/// Vectors are worked on in pieces that stay in the nearest cache.
let pieceLength = 1024

/// The ranges of elements that make up a vector in pieces.
func pieces(of count: Int) -> [Range<Int>] {
  stride(from: 0, to: count, by: pieceLength).map { $0..<min($0 + pieceLength, count) }
}
