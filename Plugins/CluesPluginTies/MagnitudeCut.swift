import CKernels

/// The first k entries of a matrix by falling magnitude, equal ones by index.
extension clues_cut {
  /// No entry.
  static let none = clues_cut(edge: .max, end: 0)

  /// Every entry.
  static let all = clues_cut(edge: 0, end: .max)

  /// The first `kept` of some entries.
  ///
  /// The edge is found by counting, in two passes: nothing is sorted.
  init(first kept: Int, of elements: UnsafeBufferPointer<Float>) {
    guard kept > 0 else {
      self = .none
      return
    }
    guard kept < elements.count, let start = elements.baseAddress else {
      self = .all
      return
    }
    var upper = [UInt64](repeating: 0, count: MagnitudeBins.upperCount)
    clues_count_magnitudes(start, elements.count, &upper)
    let bin = MagnitudeBins.bin(of: UInt64(kept), in: upper, upper.count)
    var lower = [UInt64](repeating: 0, count: MagnitudeBins.lowerCount)
    clues_count_magnitudes_within(start, elements.count, UInt32(bin.place), &lower)
    let within = MagnitudeBins.bin(of: bin.rest, in: lower, lower.count)
    let edge = MagnitudeBins.magnitude(upper: bin.place, lower: within.place)
    let isShared = within.rest < lower[within.place]
    self.init(edge: edge, end: isShared ? Self.index(after: within.rest, at: edge, in: elements) : .max)
  }

  /// The index after the given number of entries with the magnitude `edge`.
  private static func index(after count: UInt64, at edge: UInt32, in elements: UnsafeBufferPointer<Float>) -> UInt64 {
    var seen: UInt64 = 0
    for (place, element) in elements.enumerated() where element.magnitude.bitPattern == edge {
      seen += 1
      if seen == count { return UInt64(place) + 1 }
    }
    return .max
  }
}

/// Magnitudes counted in two steps: by their upper 16 bits, then those of one such bin by their lower 15.
enum MagnitudeBins {
  static let upperCount = 1 << 16
  static let lowerCount = 1 << 15

  /// The bin of the k-th largest magnitude, with k from 1, and its place among those in the bin.
  static func bin(of k: UInt64, in bins: UnsafePointer<UInt64>, _ count: Int) -> (place: Int, rest: UInt64) {
    var rest = k
    var place = count - 1
    while place > 0, rest > bins[place] {
      rest -= bins[place]
      place -= 1
    }
    return (place, rest)
  }

  /// The bits of the magnitude with these bins.
  static func magnitude(upper: Int, lower: Int) -> UInt32 { UInt32(upper) << 15 | UInt32(lower) }
}
