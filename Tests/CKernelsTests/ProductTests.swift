import CKernels
import Testing

/// The kernels for inner products against plain sums in double precision, and against each other.
@Suite struct ProductTests {
  static func values(_ count: Int, seed: UInt64) -> [Float] {
    MagnitudeTests.values(count, distinct: 1 << 20, seed: seed)
  }

  static func plain(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  /// The same in the kernels' order: sixteen running sums.
  static func plainRunning(_ a: [Float], _ b: [Float]) -> Double {
    let sums = (0..<16).map { lane in
      stride(from: lane, to: a.count, by: 16).reduce(0.0) { $0 + Double(a[$1]) * Double(b[$1]) }
    }
    return sums.reduce(0, +)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1024, 1030], [0, 1, 2, 3, 4, 5, 9])
  func `several inner products have the bits of single ones`(count: Int, vectors: Int) {
    let stride = count + 3
    let (a, b) = (Self.values(count, seed: 1), Self.values(vectors * stride, seed: 2))
    var products = [Double](repeating: .nan, count: vectors)
    clues_inner_products(a, b, stride, vectors, count, &products)
    for n in 0..<vectors {
      let other = b[n * stride..<n * stride + count]
      #expect(products[n] == clues_inner_product(a, Array(other), count))
      #expect(products[n] == Self.plainRunning(a, Array(other)))
      #expect(abs(products[n] - Self.plain(a[...], other)) < 1e-12 * Double(count + 1))
    }
  }

  /// A matrix with itself takes a shorter way than with an equal one.
  @Test(arguments: [1, 3, 4, 8, 11, 16, 33], [1, 16, 300])
  func `products with itself have the bits of those with a copy`(lines: Int, length: Int) {
    let a = Self.values(lines * length, seed: 3)
    let copy = a.map { $0 }
    for product in [rows, columns] {
      let own = product(a, a, lines, length)
      #expect(own == product(a, copy, lines, length))
      #expect((0..<lines * lines).allSatisfy { own[$0] == own[$0 % lines * lines + $0 / lines] })
    }
    let own = rows(a, a, lines, length)
    for i in 0..<lines {
      for j in 0..<lines {
        let expected = Self.plain(a[i * length..<(i + 1) * length], a[j * length..<(j + 1) * length])
        #expect(abs(own[i * lines + j] - expected) < 1e-5 * Double(length))
      }
    }
  }

  private func rows(_ a: [Float], _ b: [Float], _ lines: Int, _ length: Int) -> [Double] {
    var products = [Double](repeating: .nan, count: lines * lines)
    a.withUnsafeBufferPointer { x in
      b.withUnsafeBufferPointer { y in
        if let x = x.baseAddress, let y = y.baseAddress { clues_row_products(x, lines, y, lines, length, &products) }
      }
    }
    return products
  }

  private func columns(_ a: [Float], _ b: [Float], _ lines: Int, _ length: Int) -> [Double] {
    var products = [Double](repeating: .nan, count: lines * lines)
    a.withUnsafeBufferPointer { x in
      b.withUnsafeBufferPointer { y in
        if let x = x.baseAddress, let y = y.baseAddress { clues_column_products(x, lines, y, lines, length, &products) }
      }
    }
    return products
  }
}
