import CKernels
import Testing

@Suite struct BoundTests {
  @Test(arguments: [1, 7, 8, 64, 1000]) func `one element beyond the bound is found, wherever it is`(count: Int) {
    let sound = (0..<count).map { Float($0 % 5) - 2 }
    #expect(clues_all_within(sound, count, 2) != 0)
    #expect(clues_all_within(sound, 0, 0) != 0)
    for (index, odd) in zip([0, count / 2, count - 1], [-2.0000002, Float.infinity, .nan]) {
      var values = sound
      values[index] = odd
      #expect(clues_all_within(values, count, 2) == 0, "\(index) \(odd)")
    }
    #expect(clues_all_within([-0.0, 0], 2, 0) != 0)
    #expect(clues_all_within([.leastNonzeroMagnitude], 1, 0) == 0)
  }
}
