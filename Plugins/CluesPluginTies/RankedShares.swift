/// DELLA's probabilities: within a row the largest entry is kept most surely, the smallest one least.
struct RankedShares {
  /// The probability in the middle of the row.
  let density: Double
  /// How far the ends of the row are from it.
  let epsilon: Double
  /// Whether a kept entry is divided by its probability.
  let isInverse: Bool

  /// Copies a row with zeros for the entries that are not kept.
  func keep(
    _ row: UnsafePointer<Float>, _ draws: UnsafePointer<UInt32>, _ count: Int, in kept: UnsafeMutablePointer<Float>
  ) {
    for (rank, place) in order(row, count).enumerated() {
      let share = count == 1 ? density : density + epsilon - 2 * epsilon * Double(rank) / Double(count - 1)
      let value = isInverse ? Float(Double(row[Int(place)]) / share) : row[Int(place)]
      kept[Int(place)] = draws[Int(place)] < threshold(of: share) ? value : 0
    }
  }

  /// The indices of a row by falling magnitude, equal ones by index: a radix sort, 11 bits at a time.
  private func order(_ row: UnsafePointer<Float>, _ count: Int) -> [UInt32] {
    let radix = 1 << 11
    var source = (0..<count).map { place in
      UInt64(0x7FFF_FFFF - row[place].magnitude.bitPattern) << 32 | UInt64(place)
    }
    var target = [UInt64](repeating: 0, count: count)
    for shift in [32, 43, 54] as [UInt64] {
      var starts = [Int](repeating: 0, count: radix + 1)
      source.withUnsafeBufferPointer { source in
        target.withUnsafeMutableBufferPointer { target in
          starts.withUnsafeMutableBufferPointer { starts in
            for entry in source { starts[Int(entry >> shift) & (radix - 1) + 1] += 1 }
            for digit in 1..<radix { starts[digit] += starts[digit - 1] }
            for entry in source {
              let digit = Int(entry >> shift) & (radix - 1)
              target[starts[digit]] = entry
              starts[digit] += 1
            }
          }
        }
      }
      swap(&source, &target)
    }
    return source.map { UInt32(truncatingIfNeeded: $0) }
  }
}
