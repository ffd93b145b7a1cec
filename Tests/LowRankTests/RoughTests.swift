import Diagnostics
import Testing

@testable import LowRank

/// What is calculated in single precision for people to read, against the same in double precision.
@Suite struct RoughTests {
  @Test func innerProductsAgreeToSixDigits() throws {
    let terms = try randomTerms(out: 40, in: 300, ranks: [2, 3, 9, 1])
    for some in [terms, [terms[2]]] {
      let (rough, exact) = try (roughGram(some), gram(some))
      for i in some.indices {
        for j in some.indices {
          let scale = (exact[i, i] * exact[j, j]).squareRoot()
          #expect(abs(rough[i, j] - exact[i, j]) < 1e-6 * scale)
          #expect(rough[i, j] == rough[j, i])
        }
      }
    }
  }

  @Test func blocksChangeNothing() throws {
    let terms = try randomTerms(out: 20, in: 30, ranks: [2, 3, 4, 1, 3, 2, 2])
    for size in 1...8 { #expect(try roughGram(terms.count, blocks: size) { terms[$0] } == roughGram(terms)) }
  }

  /// Squares of these leave single precision, at one end or the other; B may also be zero, as it is before training.
  @Test(arguments: [(1e-30, 1.0), (1e25, 1.0), (1.0, 0.0)])
  func extremesAreLeftToDoublePrecision(a: Double, b: Double) throws {
    let term = try Term(
      b: Matrix(rows: 3, columns: 2, (0..<6).map { Float(b) * Float($0 + 1) }),
      a: Matrix(rows: 2, columns: 4, (0..<8).map { Float(a) * Float($0 + 1) }))
    #expect(try roughGram([term, term]) == gram([term, term]))
    let other = try randomTerms(out: 3, in: 4, ranks: [2])[0]
    let due = try innerProduct(term, other)
    #expect(try roughInnerProducts(2, with: other) { _ in term } == [due, due])
    #expect(try roughInnerProducts(1, with: term) { _ in other } == [due])
  }

  @Test func productsWithOneTermAgreeToSixDigits() throws {
    let terms = try randomTerms(out: 40, in: 300, ranks: [2, 3, 9, 24])
    let exact = try gram(terms)
    let rough = try roughInnerProducts(3, with: terms[3]) { terms[$0] }
    for index in 0..<3 {
      #expect(abs(rough[index] - exact[index, 3]) < 1e-6 * (exact[index, index] * exact[3, 3]).squareRoot())
    }
    let small = try randomTerms(out: 4, in: 3, ranks: [1])[0]
    let failure = #expect(throws: Failure.self) { try roughInnerProducts(1, with: small) { terms[$0] } }
    #expect(failure?.message == "shape mismatch: one client's delta is 4 × 3, another's 40 × 300")
  }

  @Test(arguments: [[0, 11, 29], Array(0..<30)])
  func entriesAreThoseOfTheDelta(columns: [Int]) throws {
    let term = try randomTerms(out: 20, in: 30, ranks: [4])[0]
    let rows = [0, 7, 19]
    let (some, whole) = try (roughEntries(rows: rows, columns: columns, of: term), delta(of: [term]))
    for (line, row) in rows.enumerated() {
      for (index, column) in columns.enumerated() {
        #expect(abs(some[line, index] - whole[row, column]) < 1e-5)
      }
    }
  }
}
