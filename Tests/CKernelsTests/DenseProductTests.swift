import CKernels
import Testing

/// The products of matrices in single precision against plain chains of sums in double precision, to the bit.
@Suite struct DenseProductTests {
  static func values(_ count: Int, seed: UInt64) -> [Float] {
    MagnitudeTests.values(count, distinct: 1 << 20, seed: seed)
  }

  /// One more term of a chain: fused where the processor has instructions for it.
  static func sum(_ sum: Double, _ a: Double, _ b: Double) -> Double {
    clues_kernel_level() == 1 ? sum + a * b : sum.addingProduct(a, b)
  }

  @Test(arguments: [1, 7, 8, 16, 65], [1, 5, 24, 96, 100, 203])
  func `rows of a product are single chains, however many are formed`(rank: Int, columns: Int) {
    let rows = 13
    let (b, a) = (Self.values(rows * rank, seed: 1), Self.values(rank * columns, seed: 2))
    let coefficients = (0..<rank).map { 0.3 + Double($0) }
    let expected = (0..<rows * columns).map { index in
      Float(
        (0..<rank).reduce(0.0) { sum, k in
          Self.sum(
            sum, coefficients[k] * Double(b[index / columns * rank + k]), Double(a[k * columns + index % columns]))
        })
    }
    for height in [1, 3, 8, rows] {
      var room = [Double](repeating: .nan, count: clues_room_for_rows(rank, height))
      var result = [Float](repeating: .nan, count: rows * columns)
      for first in stride(from: 0, to: rows, by: height) {
        let some = min(height, rows - first)
        b.withUnsafeBufferPointer { b in
          result.withUnsafeMutableBufferPointer {
            clues_form_rows(
              b.baseAddress! + first * rank, some, coefficients, rank, a, columns, &room,
              $0.baseAddress! + first * columns)
          }
        }
      }
      #expect(result == expected, "\(height) rows at a time")
    }
  }

  @Test func `a product of rank 0 is zero`() {
    var (room, result) = ([Double](repeating: .nan, count: 400), [Float](repeating: .nan, count: 6))
    clues_form_rows([0], 2, [0], 0, [0], 3, &room, &result)
    #expect(result == [0, 0, 0, 0, 0, 0])
  }

  @Test(arguments: [1, 8, 18, 24, 33], [1, 100, 384, 500, 1000])
  func `vectors times rows are chains that are cut in the same places for any number of rows`(count: Int, columns: Int)
  {
    let rows = 21
    let matrix = Self.values(rows * columns, seed: 3)
    let vectors = Self.values(count * columns, seed: 4).map { Double($0) / 3 }
    var turned = [Double](repeating: .nan, count: columns * clues_room_for_vectors(count))
    clues_turn_vectors(vectors, count, columns, &turned)
    var results: [[Double]] = []
    for height in [1, 8, rows] {
      var products = [Double](repeating: .nan, count: count * rows)
      for first in stride(from: 0, to: rows, by: height) {
        matrix.withUnsafeBufferPointer { matrix in
          products.withUnsafeMutableBufferPointer {
            clues_multiply_with_rows(
              turned, count, matrix.baseAddress! + first * columns, min(height, rows - first), columns,
              $0.baseAddress! + first, rows)
          }
        }
      }
      results.append(products)
    }
    #expect(results[0] == results[1] && results[0] == results[2])
    for index in results[0].indices {
      let (v, row) = (index / rows, index % rows)
      var (exact, size) = (0.0, 0.0)
      for k in 0..<columns {
        let term = vectors[v * columns + k] * Double(matrix[row * columns + k])
        (exact, size) = (exact + term, size + abs(term))
      }
      #expect(abs(results[0][index] - exact) <= Double(columns) * .ulpOfOne * size)
    }
  }
}
