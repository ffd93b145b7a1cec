import Diagnostics
import TestSupport
import Testing

@testable import LowRank

@Suite struct TermTests {
  @Test func whatIsNoTermIsRefused() throws {
    let (b, a) = try (randomMatrix(4, 2, seed: 1), randomMatrix(3, 5, seed: 2))
    expectFailure(.badData, "differ in rank") { try Term(b: b, a: a) }
    expectFailure(.badData, "the weight times the scaling is nan") {
      try Term(coefficient: .nan, b: b, a: randomMatrix(2, 5, seed: 2))
    }
    for bad in [Float.nan, .infinity, -.infinity] {
      var broken = b
      broken[3, 1] = bad
      expectFailure(.badData, "the factor B contains NaN or infinite numbers") {
        try Term(b: broken, a: randomMatrix(2, 5, seed: 2))
      }
    }
    expectFailure(.badData, "there are no terms") { try stack([]) }
    expectFailure(.badData, "there are no terms") { try delta(of: []) }
    expectFailure(.badData, "there are no terms") { try compress([], to: .full) }
    expectFailure(.badData, "there are no terms") { try CoreSpace([]) }
  }

  @Test func termsOfDifferentSizesAreRefused() throws {
    let terms = try [randomTerm(out: 4, in: 5, rank: 2, seed: 1), randomTerm(out: 4, in: 6, rank: 2, seed: 1)]
    expectFailure(.badData, "4 × 6, another") { try stack(terms) }
    expectFailure(.badData, "4 × 6, another") { try compress(terms, to: .exactly(1)) }
    expectFailure(.badData, "4 × 6, another") { try delta(of: terms) }
    expectFailure(.badData, "4 × 6, another") { try innerProduct(terms[0], terms[1]) }
    expectFailure(.badData, "4 × 6, another") { try gram(terms) }
    expectFailure(.badData, "4 × 6, another") { try CoreSpace(terms) }
    expectFailure(.badData, "in a space of 4 × 5") { try CoreSpace([terms[0]]).project(terms[1]) }
  }

  @Test func stackingOneTermKeepsEveryBit() throws {
    var b = try randomMatrix(6, 3, seed: 1)
    b[0, 0] = -0.0
    b[1, 0] = .leastNonzeroMagnitude
    let term = try Term(b: b, a: randomMatrix(3, 7, seed: 2))
    let stacked = try stack([term])
    #expect(bits(stacked.b) == bits(term.b))
    #expect(bits(stacked.a) == bits(term.a))
  }

  @Test func stackingIsTheSum() throws {
    let terms = try randomTerms(out: 9, in: 11, ranks: [2, 5, 1, 3])
    let stacked = try stack(terms)
    #expect((stacked.b.columns, stacked.a.rows) == (11, 11))
    // The coefficients are powers of two or nearly: float32 rounds one product at most.
    #expect(try Plain(stacked).relativeError(to: Plain(terms)) < 1e-7)
    #expect(Array(bits(stacked.a).prefix(22)) == bits(terms[0].a))
    #expect(Array(bits(stacked.a).suffix(33)) == bits(terms[3].a))
  }

  @Test func aCoefficientBeyondFloatIsRefused() throws {
    let term = try randomTerm(out: 3, in: 3, rank: 1, coefficient: 1e300, seed: 1)
    expectFailure(.badData, "beyond the range of float32") { try stack([term]) }
    expectFailure(.badData, "beyond the range of float32") { try delta(of: [term]) }
    expectFailure(.badData, "beyond the range") { try compress([term], to: .exactly(1)) }
    expectFailure(.badData, "beyond the range of float64") { try innerProduct(term, term) }
  }

  @Test(arguments: [1, 7, 128, 130, 300])
  func deltaAgreesWithLoops(out: Int) throws {
    let terms = try randomTerms(out: out, in: 9, ranks: [2, 4])
    let dense = try delta(of: terms)
    #expect((dense.rows, dense.columns) == (out, 9))
    let expected = Plain(terms)
    for (index, value) in dense.elements.enumerated() {
      #expect(abs(Double(value) - expected.values[index]) <= 1e-7 * abs(expected.values[index]) + 1e-12)
    }
    #expect(try bits(delta(of: terms.reversed())) == bits(dense))
  }

  @Test func aTermOfRankZeroIsNothing() throws {
    let empty = try Term(b: Matrix(rows: 4, columns: 0), a: Matrix(rows: 0, columns: 5))
    #expect(try delta(of: [empty]).elements == [Float](repeating: 0, count: 20))
    #expect(try innerProduct(empty, empty) == 0)
    for rank in [Rank.full, .exactly(3), .energy(0.5)] {
      let compressed = try compress([empty], to: rank)
      #expect(compressed.rank == 1)
      #expect(compressed.energy == 0)
      #expect(try Plain(compressed.factors).energy == 0)
    }
    let space = try CoreSpace([empty])
    #expect((space.left.rows, space.right.rows) == (0, 0))
    #expect(try space.lift(space.project(empty), to: .exactly(2)).rank == 1)
  }

  @Test func innerProductsAgreeWithLoops() throws {
    let terms = try randomTerms(out: 8, in: 6, ranks: [2, 3, 9, 0, 1])
    let products = try gram(terms)
    for i in terms.indices {
      for j in terms.indices {
        let expected = zip(Plain([terms[i]]).values, Plain([terms[j]]).values).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(products[i, j] - expected) < 1e-12)
        #expect(abs(try innerProduct(terms[i], terms[j]) - expected) < 1e-12)
        #expect(products[i, j] == products[j, i])
        #expect(try innerProduct(terms[i], terms[j]) == innerProduct(terms[j], terms[i]))
      }
    }
  }
}
