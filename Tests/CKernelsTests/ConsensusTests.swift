import CKernels
import Testing

/// The sums over sieved matrices against plain code, to the bit.
@Suite struct ConsensusTests {
  struct Case {
    let matrices: [[Float]]
    let outer: [Int]
    let inner: [Int]
    let weightedInputs: [clues_weighted_input]

    /// Few distinct numbers make many equal ones at the edges, so that ends of cuts lie anywhere.
    init(_ inputs: Int, of count: Int, distinct: UInt64) {
      matrices = (0..<inputs).map { MagnitudeTests.values(count, distinct: distinct, seed: UInt64(count + 97 * $0)) }
      outer = (0..<inputs).map { [count, count / 2, count / 5, 0, 1][$0 % 5] }
      inner = (0..<inputs).map { [0, count / 7, 0, 0, 0][$0 % 5] }
      weightedInputs = (0..<inputs).map {
        clues_weighted_input(factor: 0.3 + Double($0), share: 1 / Double($0 + 3), vote: 1.5 - Double($0) / 4)
      }
    }

    /// The first so many by magnitude, equal ones by index.
    static func cut(_ kept: Int, _ keys: [Float]) -> clues_cut {
      if kept == 0 { return clues_cut(edge: .max, end: 0) }
      if kept == keys.count { return clues_cut(edge: 0, end: .max) }
      return clues_first_by_magnitude(keys, keys.count, UInt64(kept))
    }

    func sieved(_ input: Int, by keys: [Float]) -> [Float] {
      let order = MagnitudeTests.order(keys)
      var kept = [Float](repeating: 0, count: keys.count)
      for index in order[min(inner[input], outer[input])..<outer[input]] { kept[index] = matrices[input][index] }
      return kept
    }

    /// What the kernel makes of the entries from `first` on.
    func merged(
      from first: Int, keys: [[Float]],
      _ kernel: (UnsafePointer<clues_masked_input>, Int, UnsafeMutablePointer<clues_range>, UnsafeMutablePointer<Float>)
        ->
        Void
    ) -> [Float] {
      let count = matrices[0].count - first
      let buffers = (matrices + keys).map { values in
        let copy = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
        copy.initialize(from: values, count: values.count)
        return copy
      }
      defer { for buffer in buffers { buffer.deallocate() } }
      let maskedInputs = matrices.indices.map { index in
        clues_masked_input(
          values: buffers[index] + first, keys: buffers[matrices.count + index] + first,
          outer: Self.cut(outer[index], keys[index]), inner: Self.cut(inner[index], keys[index]))
      }
      var room = [clues_range](repeating: clues_range(), count: maskedInputs.count)
      // One more than there is to fill, which must stay.
      var target = [Float](repeating: .nan, count: count + 1)
      kernel(maskedInputs, count, &room, &target)
      #expect(target[count].isNaN)
      return Array(target.prefix(count))
    }
  }

  static let sizes = [1, 15, 16, 17, 300, 20_000]

  @Test(arguments: sizes, [3, 1 << 30] as [UInt64])
  func `a sum is that of what is kept`(count: Int, distinct: UInt64) {
    let made = Case(6, of: count, distinct: distinct)
    let kept = made.matrices.indices.map { made.sieved($0, by: made.matrices[$0]) }
    for first in Set([0, count / 3]) {
      let result = made.merged(from: first, keys: made.matrices) {
        clues_sum($0, made.weightedInputs, made.matrices.count, UInt64(first), $1, 0.7, $2, $3)
      }
      let expected = (first..<count).map { index in
        var sum = 0.0
        for (values, weightedInput) in zip(kept, made.weightedInputs) {
          sum += weightedInput.factor * Double(values[index])
        }
        return Float(0.7 * sum)
      }
      #expect(result.map(\.bitPattern) == expected.map(\.bitPattern))
    }
  }

  @Test(arguments: sizes, [(3, false), (3, true), (1 << 30, false), (1 << 30, true)] as [(UInt64, Bool)])
  func `those that agree are summed, and divided by their shares`(count: Int, way: (distinct: UInt64, bySign: Bool)) {
    let made = Case(6, of: count, distinct: way.distinct)
    // Keys of their own for every other one.
    let keys = made.matrices.indices.map { $0 % 2 == 0 ? made.matrices[$0] : made.matrices[0] }
    let kept = made.matrices.indices.map { made.sieved($0, by: keys[$0]) }
    for first in Set([0, count / 3]) {
      let result = made.merged(from: first, keys: keys) {
        clues_sum_agreeing(
          $0, made.weightedInputs, made.matrices.count, UInt64(first), $1, way.bySign ? 1 : 0, 0.7, $2, $3)
      }
      let expected = (first..<count).map { index in
        var (votes, sum, shares) = (0.0, 0.0, 0.0)
        for (values, weightedInput) in zip(kept, made.weightedInputs) {
          let value = Double(values[index])
          votes +=
            way.bySign
            ? (value > 0 ? weightedInput.vote : 0) - (value < 0 ? weightedInput.vote : 0) : weightedInput.vote * value
        }
        for (values, weightedInput) in zip(kept, made.weightedInputs) {
          let value = Double(values[index])
          guard (votes < 0 ? -value : value) > 0 else { continue }
          sum += weightedInput.factor * value
          shares += weightedInput.share
        }
        return Float(0.7 * sum / (shares == 0 ? 1 : shares))
      }
      #expect(result.map(\.bitPattern) == expected.map(\.bitPattern))
    }
  }
}
