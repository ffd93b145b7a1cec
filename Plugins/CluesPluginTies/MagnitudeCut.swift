import CKernels

/// The first k entries of a matrix by falling magnitude, equal ones by index.
extension clues_cut {
  /// No entry.
  static let none = clues_cut(edge: .max, end: 0)

  /// Every entry.
  static let all = clues_cut(edge: 0, end: .max)

  /// The first `kept` of some entries.
  init(first kept: Int, of elements: UnsafeBufferPointer<Float>) {
    guard kept > 0 else {
      self = .none
      return
    }
    guard kept < elements.count, let start = elements.baseAddress else {
      self = .all
      return
    }
    self = clues_first_by_magnitude(start, elements.count, UInt64(kept))
  }
}

/// Magnitudes counted in two steps: by their upper 16 bits, then within one such bin by their lower 15.
enum MagnitudeBins {
  static let upperCount = 1 << 16
  static let lowerCount = 1 << 15

  /// The bin of the k-th largest magnitude, with k from 1, and its rank within the bin.
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
