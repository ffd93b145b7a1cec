import Diagnostics
import TestSupport
import Testing

@testable import LowRank

@Suite struct CompressTests {
  /// Thin, with Σr beyond out, beyond in, beyond both, and with one row or column.
  static let shapes: [(out: Int, in: Int, ranks: [Int])] = [
    (20, 30, [3, 4]), (30, 20, [2, 5, 1]), (6, 30, [4, 5]), (30, 6, [4, 5]), (5, 4, [3, 4, 2]), (1, 9, [2, 1]),
    (9, 1, [2, 1]), (1, 1, [1]), (40, 35, [20, 24]),
  ]

  @Test(arguments: shapes)
  func cutsLikeTheBestPossible(out: Int, columns: Int, ranks: [Int]) throws {
    let terms = try randomTerms(out: out, in: columns, ranks: ranks)
    let dense = Plain(terms)
    let values = dense.singularValues
    let largest = min(out, columns, ranks.reduce(0, +))
    for rank in [1, 2, 3, largest, 1000] {
      let result = try compress(terms, to: .exactly(rank))
      let kept = min(rank, largest)
      #expect(result.rank == kept)
      let tail = values.dropFirst(kept).reduce(0) { $0 + $1 * $1 }
      #expect(abs(result.energy - dense.energy) < 1e-11 * dense.energy)
      #expect(abs(result.discardedEnergy - tail) < 1e-11 * dense.energy)
      #expect(abs(try (Plain(result.factors) - dense).energy - tail) < 1e-6 * dense.energy)
      #expect(result.shortfall == 0)
      for (mine, theirs) in zip(result.singularValues, values) { #expect(abs(mine - theirs) < 1e-12 * values[0]) }
    }
  }

  @Test(arguments: [0.3, 0.5, 0.9, 0.99, 0.999999, 1])
  func keepsTheFewestForAShare(share: Double) throws {
    let terms = try randomTerms(out: 25, in: 18, ranks: [4, 6])
    let values = Plain(terms).singularValues
    let whole = values.reduce(0) { $0 + $1 * $1 }
    let result = try compress(terms, to: .energy(share))
    let fewest = (1...10).first { values.prefix($0).reduce(0) { $0 + $1 * $1 } >= share * whole * (1 - 1e-13) }
    #expect(result.rank == fewest)
    #expect(result.energy - result.discardedEnergy >= share * result.energy * (1 - 1e-13))
  }

  @Test func theWholeEnergyIsKeptByTheTrueRank() throws {
    let term = try randomTerm(out: 30, in: 20, rank: 4, seed: 9)
    // The same client three times: Σr is 12, the rank 4.
    let result = try compress([term, term, regauged(term)], to: .energy(1))
    #expect(result.rank == 4)
    #expect(result.discardedEnergy == 0)
    #expect(result.singularValues.count { $0 > 0 } == 4)
    let wider = try compress([term, term, term], to: .exactly(6))
    #expect(wider.rank == 6)
    for row in 0..<30 { #expect(wider.factors.b[row, 5] == 0) }
  }

  @Test func opposedTermsCancel() throws {
    let term = try randomTerm(out: 12, in: 10, rank: 3, seed: 4)
    let opposite = try Term(coefficient: -1, factors: term.factors)
    let result = try compress([term, opposite], to: .exactly(3))
    #expect(try Plain(result.factors).energy < 1e-24)
    #expect(try compress([term, opposite], to: .full).energy < 1e-24)
  }

  @Test func fullIsTheStack() throws {
    let terms = try randomTerms(out: 7, in: 9, ranks: [2, 3])
    let result = try compress(terms, to: .full)
    #expect(try result.factors == stack(terms))
    #expect(abs(result.energy - Plain(terms).energy) < 1e-12)
    #expect(result.discardedEnergy == 0)
  }

  @Test func oneTermComesBackAsItself() throws {
    let term = try randomTerm(out: 40, in: 30, rank: 5, seed: 3)
    #expect(try compress([term], to: .full).factors == term.factors)
    #expect(try Plain(compress([term], to: .exactly(5)).factors).relativeError(to: Plain([term])) < 1e-6)
  }

  @Test func zeroKeepsTheRankAsked() throws {
    let zero = try Term(b: Matrix(rows: 6, columns: 2), a: randomMatrix(2, 8, seed: 1))
    for (rank, expected) in [(Rank.exactly(2), 2), (.exactly(5), 2), (.energy(0.9), 1), (.energy(1), 1), (.full, 2)] {
      let result = try compress([zero], to: rank)
      #expect(result.rank == expected)
      #expect(result.energy == 0)
      #expect(try Plain(result.factors).energy == 0)
    }
  }

  @Test func bothSidesShareTheSingularValue() throws {
    let result = try compress(randomTerms(out: 15, in: 22, ranks: [3, 3]), to: .exactly(4))
    let (b, a) = (Plain(result.factors.b), Plain(result.factors.a))
    for unit in 0..<4 {
      let ofB = (0..<15).reduce(0) { $0 + b[$1, unit] * b[$1, unit] }
      let ofA = (0..<22).reduce(0) { $0 + a[unit, $1] * a[unit, $1] }
      #expect(abs(ofB - result.singularValues[unit]) < 1e-6 * ofB)
      #expect(abs(ofA - result.singularValues[unit]) < 1e-6 * ofA)
    }
  }

  @Test func theLargestEntryOfEachColumnIsPositive() throws {
    let term = try randomTerm(out: 20, in: 20, rank: 6, seed: 12)
    let result = try compress([term], to: .exactly(6)).factors
    for unit in 0..<6 {
      let column = (0..<20).map { result.b[$0, unit] }
      #expect(column.max { abs($0) < abs($1) }! > 0)
    }
    // Turned around, ΔW has the same left vectors, so only A may change its sign.
    let turned = try compress([Term(coefficient: -1, factors: term.factors)], to: .exactly(6)).factors
    #expect((Plain(turned.b) - Plain(result.b)).energy < 1e-10)
    #expect((Plain(turned.a) - Plain(rows: 6, columns: 20) { -Double(result.a[$0, $1]) }).energy < 1e-10)
  }

  @Test func equalEntriesMakeTheFirstPositive() throws {
    let b = try Matrix<Float>(rows: 3, columns: 1, [-0.25, 1, -1])
    let result = try compress([Term(b: b, a: Matrix(rows: 1, columns: 2, [3, 4]))], to: .exactly(1)).factors
    #expect(result.b[1, 0] > 0)
    #expect(result.a[0, 0] > 0)
    var rows = try Matrix<Double>(rows: 2, columns: 3, [-2, 2, 0, 2, -2, 1])
    flipRows(of: &rows)
    #expect(rows.elements == [2, -2, 0, 2, -2, 1])
  }

  @Test func theOrderOfTermsChangesNoBit() throws {
    let terms = try randomTerms(out: 33, in: 21, ranks: [4, 2, 4, 7])
    let expected = try compress(terms, to: .exactly(5))
    for other in [terms.reversed(), [terms[2], terms[0], terms[3], terms[1]]] {
      let result = try compress(other, to: .exactly(5))
      #expect(bits(result) == bits(expected))
      // In double precision, where rounding would show that the float32 factors hide.
      #expect(result.singularValues == expected.singularValues)
    }
  }

  @Test func theGaugeChangesNothing() throws {
    let terms = try randomTerms(out: 33, in: 21, ranks: [4, 2, 7])
    let expected = try compress(terms, to: .exactly(5)).factors
    let result = try compress(terms.map(regauged), to: .exactly(5)).factors
    #expect(Plain(result.b).relativeError(to: Plain(expected.b)) < 1e-5)
    #expect(Plain(result.a).relativeError(to: Plain(expected.a)) < 1e-5)
  }

  @Test func extremeScalesSurvive() throws {
    let small = try Term(
      b: Matrix(rows: 2, columns: 1, [1e-30, 2e-30]), a: Matrix(rows: 1, columns: 2, [3e30, 4e30]))
    let result = try compress([small], to: .exactly(1))
    #expect(try Plain(result.factors).relativeError(to: Plain([small])) < 1e-6)
    #expect(abs(result.factors.b[1, 0]) > 0.1)
  }

  @Test(arguments: [Rank.exactly(0), .exactly(-3), .energy(0), .energy(1.1), .energy(.nan), .energy(-1)])
  func ranksThatAreNoneAreRefused(rank: Rank) throws {
    let term = try randomTerm(out: 3, in: 3, rank: 1, seed: 1)
    expectFailure(.usage, "invalid ") { try compress([term], to: rank) }
    expectFailure(.usage, "invalid ") { try compress(dense: delta(of: [term]), to: rank, by: .exact) }
    let space = try CoreSpace([term])
    expectFailure(.usage, "invalid ") { try space.lift(space.project(term), to: rank) }
  }
}
