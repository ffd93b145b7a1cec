import Synchronization
import Testing
import Threads

struct ParallelTests {
  private struct Refusal: Error, Equatable { var place: Int }

  @Test(arguments: [1, 2, 7, 100]) func resultsStandInOrder(_ threads: Int) throws {
    #expect(try inParallel(50, threads: threads) { $0 * $0 } == (0..<50).map { $0 * $0 })
    #expect(try inParallel(0, threads: threads) { $0 }.isEmpty)
  }

  /// Whichever thread fails first: the error is that of the lowest place among those that were begun.
  @Test func theLowestPlaceIsTheErrors() throws {
    for _ in 0..<50 {
      // Both places are begun before either fails.
      let begun = Atomic<Int>(0)
      #expect(throws: Refusal(place: 0)) {
        try inParallel(2, threads: 2) { place in
          begun.add(1, ordering: .sequentiallyConsistent)
          while begun.load(ordering: .sequentiallyConsistent) < 2 {}
          throw Refusal(place: place)
        }
      }
    }
  }

  @Test func nothingIsBegunAfterAnError() {
    let begun = Atomic<Int>(0)
    #expect(throws: Refusal(place: 3)) {
      try inParallel(100, threads: 1) { place in
        begun.add(1, ordering: .relaxed)
        if place == 3 { throw Refusal(place: place) }
      }
    }
    #expect(begun.load(ordering: .relaxed) == 4)
  }
}
