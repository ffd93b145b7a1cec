import Diagnostics
import Tensors
import TestSupport
import Testing

@testable import LowRank

@Suite struct CompressDenseTests {
  static let stream = RandomStream(seed: 7, "sketch")

  /// U·diag(s)·V with random orthonormal U and V.
  static func matrix(_ out: Int, _ columns: Int, singular: (Int) -> Double) throws -> Matrix<Float> {
    let left = try RowFactorization(randomMatrix(min(out, columns), out, seed: 21).widened()).orthonormalRows()
    var right = try RowFactorization(randomMatrix(min(out, columns), columns, seed: 22).widened()).orthonormalRows()
    for row in 0..<right.rows {
      let value = singular(row)
      for column in 0..<columns { right[row, column] *= value }
    }
    return try product(left.whole.transposed, right.whole).narrowed()
  }

  @Test(arguments: [(12, 9), (9, 12), (1, 7), (7, 1)])
  func exactCutsLikeTheBestPossible(out: Int, columns: Int) throws {
    let dense = try randomMatrix(out, columns, seed: 5)
    let values = Plain(dense).singularValues
    for rank in [1, 3, 100] {
      let result = try compress(dense: dense, to: .exactly(rank), by: .exact)
      let kept = min(rank, min(out, columns))
      let tail = values.dropFirst(kept).reduce(0) { $0 + $1 * $1 }
      #expect(result.rank == kept)
      #expect(abs(result.discardedEnergy - tail) < 1e-11)
      #expect(abs(try (Plain(result.factors) - Plain(dense)).energy - tail) < 1e-5)
    }
    #expect(try compress(dense: dense, to: .full, by: .exact).rank == min(out, columns))
  }

  @Test func exactAgreesWithTheFactoredWay() throws {
    let terms = try randomTerms(out: 40, in: 30, ranks: [3, 2])
    let factored = try compress(terms, to: .exactly(4))
    let dense = try compress(dense: delta(of: terms), to: .exactly(4), by: .exact)
    #expect(Plain(dense.factors.b).relativeError(to: Plain(factored.factors.b)) < 1e-5)
    #expect(Plain(dense.factors.a).relativeError(to: Plain(factored.factors.a)) < 1e-5)
  }

  @Test(arguments: [(260, 130), (130, 260), (200, 200)])
  func aLowRankMatrixIsSketchedToRounding(out: Int, columns: Int) throws {
    let terms = try randomTerms(out: out, in: columns, ranks: [4, 3])
    let dense = try delta(of: terms)
    let result = try compress(dense: dense, to: .exactly(7), by: .sketched(Self.stream))
    #expect(result.singularValues.count == 7)
    #expect(result.shortfall < 1e-10)
    #expect(result.discardedEnergy < 1e-12 * result.energy)
    let factored = try compress(terms, to: .exactly(7)).factors
    #expect(Plain(result.factors.b).relativeError(to: Plain(factored.b)) < 1e-5)
    #expect(Plain(result.factors.a).relativeError(to: Plain(factored.a)) < 1e-5)
  }

  /// Spectra that fall fast, slowly, and hardly.
  @Test(arguments: [(0.8, 1e-3), (0.95, 1e-3), (0.95, 1e-8), (0.99, 1e-3)], [1, 6, 20])
  func theSketchKeepsWhatItPromises(spectrum: (fall: Double, tolerance: Double), rank: Int) throws {
    let (fall, tolerance) = spectrum
    func power(_ count: Int) -> Double { (0..<count).reduce(1) { value, _ in value * fall } }
    let dense = try Self.matrix(300, 260, singular: power)
    let best = try compress(dense: dense, to: .exactly(rank), by: .exact)
    let result = try compress(dense: dense, to: .exactly(rank), by: .sketched(Self.stream, tolerance: tolerance))
    let (most, kept) = (best.energy - best.discardedEnergy, result.energy - result.discardedEnergy)
    #expect(abs(result.energy - best.energy) < 1e-12 * best.energy)
    #expect(kept >= (1 - tolerance) * most)
    #expect(kept <= most * (1 + 1e-12))
    #expect(result.shortfall <= tolerance)
    #expect(1 - kept / most <= result.shortfall + 1e-12)
    // What is said to be discarded is what the factors lack, rounding to float32 aside.
    let lacking = zip(dense.elements, try delta(of: [Term(factors: result.factors)]).elements)
      .reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    #expect(abs(lacking - result.discardedEnergy) < 1e-6 * result.energy)
  }

  @Test func whatCannotBeShownIsDecomposed() throws {
    // All directions alike: no quarter of them can be told from the others.
    let flat = try Self.matrix(200, 160) { _ in 1 }
    let noisy = try Self.matrix(200, 160) { 1 - 1e-5 * Double($0) }
    for dense in [flat, noisy] {
      let best = try compress(dense: dense, to: .exactly(12), by: .exact)
      let result = try compress(dense: dense, to: .exactly(12), by: .sketched(Self.stream, tolerance: 1e-6))
      #expect(result.shortfall <= 1e-6)
      #expect(best.discardedEnergy * (1 + 1e-5) >= result.discardedEnergy)
    }
  }

  @Test(arguments: [0.2, 0.6, 0.9, 0.99])
  func aShareOfTheEnergyIsKept(share: Double) throws {
    let dense = try Self.matrix(240, 280) { 1 / Double(1 + $0) }
    let best = try compress(dense: dense, to: .energy(share), by: .exact)
    let result = try compress(dense: dense, to: .energy(share), by: .sketched(Self.stream))
    #expect(result.rank == best.rank)
    #expect(result.energy - result.discardedEnergy >= share * result.energy * (1 - 1e-12))
  }

  @Test func zeroAndFullAndSmallHaveTheirWay() throws {
    let zero = try Matrix<Float>(rows: 150, columns: 150)
    for rank in [Rank.exactly(4), .energy(0.5), .full] {
      let result = try compress(dense: zero, to: rank, by: .sketched(Self.stream))
      #expect(result.energy == 0)
      #expect(result.rank == (rank == .exactly(4) ? 4 : 1))
      #expect(try Plain(result.factors).energy == 0)
    }
    let small = try randomMatrix(20, 20, seed: 1)
    #expect(
      try bits(compress(dense: small, to: .exactly(3), by: .sketched(Self.stream)))
        == bits(compress(dense: small, to: .exactly(3), by: .exact)))
    #expect(try compress(dense: Matrix(rows: 0, columns: 3), to: .exactly(2), by: .exact).rank == 1)
  }

  @Test func badInputIsRefused() throws {
    var dense = try randomMatrix(100, 100, seed: 2)
    expectFailure(.usage, "invalid tolerance 0.0") {
      try compress(dense: dense, to: .exactly(1), by: .sketched(Self.stream, tolerance: 0))
    }
    dense[99, 99] = .nan
    expectFailure(.badData, "NaN or infinite") {
      try compress(dense: dense, to: .exactly(1), by: .sketched(Self.stream))
    }
    expectFailure(.badData, "NaN or infinite") { try compress(dense: dense, to: .exactly(1), by: .exact) }
  }
}
