import CKernels
import Testing

/// The kernels for magnitudes against plain code: sorted lists, one entry at a time.
@Suite struct MagnitudeTests {
  /// Numbers of many magnitudes, or of few so that most have equals.
  static func values(_ count: Int, distinct: UInt64, seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Float((state >> 33) % distinct) / Float(distinct)
      return (state >> 32) & 1 == 0 ? value * value : -value * value
    }
  }

  static func order(_ values: [Float]) -> [Int] {
    values.indices.sorted { (-abs(values[$0]), $0) < (-abs(values[$1]), $1) }
  }

  /// The values with zeros for those that the cut leaves out: their sum alone.
  static func kept(_ values: [Float], _ cut: clues_cut) -> [Float] {
    var result = [Float](repeating: .nan, count: values.count)
    values.withUnsafeBufferPointer {
      guard let start = $0.baseAddress else { return }
      var maskedInput = clues_masked_input(values: start, keys: start, outer: cut, inner: clues_cut(edge: .max, end: 0))
      var (weightedInput, room) = (clues_weighted_input(factor: 1, share: 0, vote: 0), clues_range())
      clues_sum(&maskedInput, &weightedInput, 1, 0, values.count, 1, &room, &result)
    }
    return result
  }

  /// Small and large enough for a guess, few and many equals, one column and many.
  @Test(
    arguments: [1, 2, 17, 255, 4096, 16_384, 40_001, 300_000], [1, 2, 50, 1 << 30] as [UInt64])
  func `the cut keeps the first by magnitude, equal ones by index`(count: Int, distinct: UInt64) {
    let values = Self.values(count, distinct: distinct, seed: UInt64(count) ^ distinct)
    let order = Self.order(values)
    for kept in Set([1, count / 100, count / 5, count / 2, count - 1]).filter({ $0 > 0 && $0 < count }) {
      let cut = clues_first_by_magnitude(values, values.count, UInt64(kept))
      let result = Self.kept(values, cut)
      var expected = [Float](repeating: 0, count: count)
      for place in order.prefix(kept) { expected[place] = values[place] }
      #expect(result == expected, "\(kept) of \(count)")
    }
  }

  /// A guess from some of the entries that misses must not show.
  @Test func `entries that the guess does not see are found`() {
    var values = [Float](repeating: 0.5, count: 100_000)
    for place in stride(from: 1, to: 100_000, by: 2) { values[place] = Float(place) }
    for kept in [10, 30_000, 50_000, 50_001, 99_999] {
      let cut = clues_first_by_magnitude(values, values.count, UInt64(kept))
      let result = Self.kept(values, cut)
      let expected = Set(Self.order(values).prefix(kept))
      #expect(result.indices.allSatisfy { result[$0] == (expected.contains($0) ? values[$0] : 0) }, "\(kept)")
    }
  }

  @Test(arguments: [1, 2, 16, 64, 65, 1000], [3, 1 << 30] as [UInt64])
  func `a row is kept by rank`(count: Int, distinct: UInt64) {
    let row = Self.values(count, distinct: distinct, seed: UInt64(count) &* distinct)
    let draws = row.indices.map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
    for divides in [false, true] {
      var room = [UInt64](repeating: 0, count: 2 * count)
      var kept = [Float](repeating: .nan, count: count)
      clues_keep_ranked(row, draws, count, 0.5, 0.25, divides ? 1 : 0, &room, &kept)
      for (rank, place) in Self.order(row).enumerated() {
        let share = count == 1 ? 0.5 : 0.5 + 0.25 - 2 * 0.25 * Double(rank) / Double(count - 1)
        let value = divides ? Float(Double(row[place]) / share) : row[place]
        #expect(kept[place] == (Double(draws[place]) < (share * 0x1p32).rounded(.down) ? value : 0))
      }
    }
  }

  @Test func `signs add up over inputs`() {
    var signs = [UInt8](repeating: 0, count: 5)
    clues_note_signs([1, -1, 0, 2, .nan], &signs, 5)
    clues_note_signs([1, 3, -0.0, -2, 1], &signs, 5)
    #expect(signs == [1, 3, 0, 3, 1])
  }
}
