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

  @Test func manyThreadsGiveTheBitsOfOne() async throws {
    let alone = try Self.everything()
    #expect(try Self.everything() == alone)
    try await withThrowingTaskGroup(of: [UInt64].self) { group in
      for _ in 0..<8 { group.addTask { try Self.everything() } }
      for try await together in group { #expect(together == alone) }
    }
  }
}
