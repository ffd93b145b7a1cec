import Diagnostics
import Tensors
import TestSupport
import Testing

@testable import LowRank

/// Numbers below the normal range of float32, of which it holds only some digits, or none.
@Suite struct VanishingTests {
  private func term(_ coefficient: Double, b scaleB: Double, a scaleA: Double) throws -> Term {
    func scaled(_ matrix: Matrix<Float>, _ scale: Double) throws -> Matrix<Float> {
      try Matrix(rows: matrix.rows, columns: matrix.columns, matrix.elements.map { Float(Double($0) * scale) })
    }
    return try Term(
      coefficient: coefficient, b: scaled(randomMatrix(6, 2, seed: 1), scaleB),
      a: scaled(randomMatrix(2, 5, seed: 2), scaleA))
  }

  @Test func theErrorOfNarrowingIsThatOfTheNumbersBelowTheRange() {
    #expect(narrowingError(of: [1.0, 1e-300]) == 0)
    #expect(narrowingError(of: [1e-50, -1e-60]) == 1)
    #expect(narrowingError(of: [1e300]) == .infinity)
    #expect((1e-5...1e-1).contains(narrowingError(of: [1.23456789e-42, 0])))
    for (numbers, isLost) in [
      ([0.1, 1e-50], false), ([1e-50], true), ([1e-42, 3e-43], true), ([0, 0], false), ([], false), ([1e-30], false),
    ] { #expect(isLostInFloat32(numbers) == isLost, "\(numbers)") }
  }

  @Test func stackingRefusesOnlyWhatCounts() throws {
    expectFailure(.badData, "below the range of float32") { try stack([term(1e-3, b: 1e-40, a: 1)]) }
    // A large A makes a small B count, beside other terms too.
    expectFailure(.badData, "below the range of float32") {
      try stack([term(1, b: 1e-3, a: 1), term(1e-3, b: 1e-40, a: 1e38)])
    }
    // Beside an update of ordinary size the loss is nothing, and without a factor there is none.
    _ = try stack([term(1, b: 1, a: 1), term(1e-3, b: 1e-40, a: 1)])
    #expect(try stack([term(1, b: 1e-40, a: 1)]).b.elements == term(1, b: 1e-40, a: 1).b.elements)
  }

  @Test func compressingSmallProductsKeepsThemOrRefuses() throws {
    // The factors of 10⁻⁵⁰ are 10⁻²⁵ each.
    let small = try term(1, b: 1e-25, a: 1e-25)
    let compressed = try compress([small], to: .exactly(2))
    let whole = try gram([small])[0, 0]
    let rest = try gram([small, Term(coefficient: -1, factors: compressed.factors)]).elements.reduce(0, +)
    #expect(whole > 0 && abs(rest) < 1e-9 * whole)
    expectFailure(.badData, "below the range of float32") {
      try compress([term(1e-30, b: 1e-30, a: 1e-30)], to: .exactly(2))
    }
  }
}
