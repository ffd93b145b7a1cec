import Diagnostics
import TestSupport
import Testing

@testable import LowRank

@Suite struct CoreSpaceTests {
  static let shapes: [(out: Int, in: Int, ranks: [Int])] = [
    (20, 30, [3, 4]), (6, 30, [4, 5]), (30, 6, [4, 5]), (5, 4, [3, 4, 2]), (1, 9, [2, 1]), (9, 1, [1]),
  ]

  @Test(arguments: shapes)
  func nothingIsLost(out: Int, columns: Int, ranks: [Int]) throws {
    let terms = try randomTerms(out: out, in: columns, ranks: ranks)
    let space = try CoreSpace(terms)
    // A factor that is larger than the matrix brings no more directions than the matrix has.
    let most = ranks.reduce(0) { $0 + min($1, out, columns) }
    #expect(space.left.rows == min(most, out))
    #expect(space.right.rows == min(most, columns))
    let (left, right) = (Plain(space.left), Plain(space.right))
    let unit = Plain(rows: left.rows, columns: left.rows) { $0 == $1 ? 1 : 0 }
    #expect((left * left.transposed - unit).energy < 1e-24)
    for term in terms {
      let core = try space.project(term)
      #expect((left.transposed * Plain(core) * right).relativeError(to: Plain([term])) < 1e-13)
      let lifted = try space.lift(core, to: .exactly(term.rank))
      #expect(try Plain(lifted.factors).relativeError(to: Plain([term])) < 1e-6)
    }
  }

  @Test func liftingCutsLikeCompress() throws {
    let terms = try randomTerms(out: 28, in: 24, ranks: [3, 2, 4])
    let space = try CoreSpace(terms)
    var sum = try Matrix<Double>(rows: space.left.rows, columns: space.right.rows)
    for term in terms {
      let core = try space.project(term)
      for row in 0..<sum.rows {
        for column in 0..<sum.columns { sum[row, column] += core[row, column] }
      }
    }
    for rank in [Rank.exactly(1), .exactly(5), .energy(0.8)] {
      let (lifted, direct) = try (space.lift(sum, to: rank), compress(terms, to: rank))
      #expect(lifted.rank == direct.rank)
      #expect(abs(lifted.energy - direct.energy) < 1e-12 * direct.energy)
      #expect(abs(lifted.discardedEnergy - direct.discardedEnergy) < 1e-12 * direct.energy)
      #expect(Plain(lifted.factors.b).relativeError(to: Plain(direct.factors.b)) < 1e-5)
    }
    #expect(try space.lift(sum, to: .full).rank == 9)
    expectFailure(.badData, "shape mismatch: a core of 2 × 2 in a space") {
      try space.lift(Matrix(rows: 2, columns: 2), to: .full)
    }
  }

  @Test func neitherOrderNorGaugeChangesTheCores() throws {
    let terms = try randomTerms(out: 26, in: 31, ranks: [3, 5, 2])
    let space = try CoreSpace(terms)
    #expect(try bits(CoreSpace(terms.reversed()).left) == bits(space.left))
    #expect(try bits(CoreSpace(terms.reversed()).right) == bits(space.right))
    let other = try CoreSpace(terms.map(regauged))
    for term in terms {
      let (mine, theirs) = try (space.project(term), other.project(regauged(term)))
      #expect(Plain(theirs).relativeError(to: Plain(mine)) < 1e-5)
    }
  }

  @Test func aSharedAAddsNoDirections() throws {
    let a = try randomMatrix(4, 30, seed: 50)
    let terms = try (0..<3).map { try Term(b: randomMatrix(20, 4, seed: 60 + $0), a: a) }
    let space = try CoreSpace(terms)
    #expect((space.left.rows, space.right.rows) == (12, 4))
    let core = Plain(try space.project(terms[1]))
    #expect((Plain(space.left).transposed * core * Plain(space.right)).relativeError(to: Plain([terms[1]])) < 1e-13)
  }

  @Test func oneTermIsDiagonalInItsOwnSpace() throws {
    let term = try randomTerm(out: 20, in: 25, rank: 4, coefficient: 3, seed: 8)
    let core = Plain(try CoreSpace([term]).project(term))
    let values = Plain([term]).singularValues
    for row in 0..<4 {
      for column in 0..<4 {
        #expect(abs(abs(core[row, column]) - (row == column ? values[row] : 0)) < 1e-12 * values[0])
      }
    }
  }

  @Test func basisVectorsAreTheEigenvectorsInOrder() throws {
    let terms = try randomTerms(out: 10, in: 12, ranks: [2, 3])
    let space = try CoreSpace(terms)
    var sum = Plain(rows: 10, columns: 10) { _, _ in 0 }
    for term in terms {
      let dense = Plain([term])
      let square = dense * dense.transposed
      for index in sum.values.indices { sum.values[index] += square.values[index] }
    }
    let left = Plain(space.left)
    let rotated = left * sum * left.transposed
    var last = Double.infinity
    for row in 0..<rotated.rows {
      #expect(rotated[row, row] <= last)
      last = rotated[row, row]
      for column in 0..<rotated.columns where column != row { #expect(abs(rotated[row, column]) < 1e-11) }
      let vector = (0..<10).map { left[row, $0] }
      #expect(vector.max { abs($0) < abs($1) }! > 0)
    }
  }
}
