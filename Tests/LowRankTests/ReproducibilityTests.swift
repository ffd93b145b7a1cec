import COpenBLAS
import Tensors
import Testing

@testable import LowRank

@Suite struct ReproducibilityTests {
  /// Everything that goes through BLAS, as bits.
  static func everything() throws -> [UInt64] {
    let terms = try randomTerms(out: 190, in: 150, ranks: [9, 12, 16])
    let dense = try delta(of: terms)
    let space = try CoreSpace(terms)
    let core = try space.project(terms[1])
    let compressions = try [
      compress(terms, to: .exactly(10)), space.lift(core, to: .exactly(7)),
      compress(dense: dense, to: .exactly(12), by: .sketched(RandomStream(seed: 1, "a"))),
      compress(dense: dense, to: .exactly(12), by: .exact),
    ]
    return try compressions.flatMap(bits).map(UInt64.init) + bits(dense).map(UInt64.init) + bits(core)
      + bits(gram(terms)) + compressions.map(\.energy.bitPattern) + compressions.map(\.discardedEnergy.bitPattern)
  }

  @Test func openBLASWorksInTheThreadThatCallsIt() {
    #expect(openblas_get_num_threads() == 1)
  }

  @Test(arguments: [2, 3, 8]) func `threads that share a sketch give the bits of one`(threads: Int) throws {
    let dense = try delta(of: randomTerms(out: 300, in: 2100, ranks: [9, 12, 16]))
    let results = try [1, threads].map {
      try compress(dense: dense, to: .exactly(12), by: .sketched(RandomStream(seed: 1, "a")), threads: $0)
    }
    #expect(results[0] == results[1] && results[0].shortfall > 0)
  }

  /// A matrix that is cut short shares its storage until one of the two is written to.
  @Test func `the first rows of a matrix are a value of their own`() throws {
    let whole = try Matrix<Double>(rows: 3, columns: 2, [1, 2, 3, 4, 5, 6])
    var first = whole.prefix(rows: 2)
    #expect(first.elements == [1, 2, 3, 4] && first.count == 4)
    first[1, 1] = 9
    #expect(first.elements == [1, 2, 3, 9] && whole.elements == [1, 2, 3, 4, 5, 6])
    #expect(try first == Matrix(rows: 2, columns: 2, [1, 2, 3, 9]))
    #expect(try first.transposed().elements == [1, 3, 2, 9])
  }

  @Test func manyThreadsGiveTheBitsOfOne() async throws {
    let alone = try Self.everything()
    #expect(try Self.everything() == alone)
    try await withThrowingTaskGroup(of: [UInt64].self) { group in
      for _ in 0..<8 { group.addTask { try Self.everything() } }
      for try await together in group { #expect(together == alone) }
    }
  }
}
