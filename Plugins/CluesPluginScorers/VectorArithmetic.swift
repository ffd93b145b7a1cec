import CKernels

typealias Floats = UnsafeBufferPointer<Float>

/// ⟨a, b⟩ of two vectors of the same length, summed in double precision.
func innerProduct(_ a: Floats, _ b: Floats) -> Double {
  guard let first = a.baseAddress, let second = b.baseAddress else { return 0 }
  return clues_inner_product(first, second, min(a.count, b.count))
}

/// The same of a vector with as many others as there are products; `others` holds them from `start` on, `stride` elements
/// after each other.
func innerProducts(_ vector: Floats, _ others: [Float], from start: Int, stride: Int, _ products: inout [Double]) {
  others.withUnsafeBufferPointer { others in
    guard !products.isEmpty, let a = vector.baseAddress, let b = others.baseAddress else { return }
    clues_inner_products(a, b + start, stride, products.count, vector.count, &products)
  }
}

/// Adds `factor` times a vector.
func add(_ factor: Double, times vector: Floats, to sum: inout [Double]) {
  sum.withUnsafeMutableBufferPointer { sum in
    for index in vector.indices { sum[index] += factor * Double(vector[index]) }
  }
}

extension UnsafeBufferPointer<Float> {
  func part(_ range: Range<Int>) -> Self { Self(rebasing: self[range]) }

  /// Whether there is no NaN and no infinity.
  var isFinite: Bool { baseAddress.map { clues_all_finite($0, count) != 0 } ?? true }

  var isZero: Bool { !contains { $0 != 0 } }
}

/// Vectors are processed in pieces that stay in the nearest cache.
let pieceLength = 1024

/// The ranges of elements that make up a vector in pieces.
func pieces(of count: Int) -> [Range<Int>] {
  stride(from: 0, to: count, by: pieceLength).map { $0..<min($0 + pieceLength, count) }
}
