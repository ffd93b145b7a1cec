/// Which clients' updates have one direction, so that one of them is a copy of the other, at whatever length.
///
/// Two updates are taken for copies where their cosine is 1 to five digits; and where it is above 0.99 and each is ten times
/// nearer to the other (by 1 − cosine) than to any third client's. Copies have one voice where clients are judged by others:
/// whoever hands in an adapter twice has no second witness.
struct ClientCopies: Sendable {
  /// Of every client the first one of those that are copies of each other; itself for most.
  let first: [Int]
  /// Whether there are any copies.
  private let areAny: Bool

  static let exact = 1e-5
  static let near = 0.01
  static let nearness = 0.1

  /// - parameter cosines: Of all pairs, row-major; nil where two share nothing, and of updates of zero.
  init(_ cosines: [Double?], count: Int) {
    /// How far a client is from its nearest, besides another one.
    func nearest(_ client: Int, besides other: Int) -> Double? {
      (0..<count).filter { $0 != client && $0 != other }.compactMap { cosines[client * count + $0] }.max().map {
        1 - $0
      }
    }
    var first = Array(0..<count)
    for i in 0..<count {
      for j in (i + 1)..<max(count, i + 1) {
        guard let cosine = cosines[i * count + j] else { continue }
        let distance = 1 - cosine
        guard distance < Self.near else { continue }
        let others = [nearest(i, besides: j), nearest(j, besides: i)].compactMap { $0 }
        guard distance <= Self.exact || (others.min().map { distance < Self.nearness * $0 } ?? false) else { continue }
        let (low, high) = (min(first[i], first[j]), max(first[i], first[j]))
        for place in first.indices where first[place] == high { first[place] = low }
      }
    }
    self.first = first
    areAny = first.indices.contains { first[$0] != $0 }
  }

  /// The others that a client is a copy of, or that are copies of it.
  func copies(of client: Int) -> [Int] { first.indices.filter { $0 != client && first[$0] == first[client] } }

  /// What others there are to hold a client against: not itself nor its copies, and copies of each other once, with the median
  /// of their numbers.
  func others(of client: Int, _ numbers: (Int) -> Double?) -> [Double] {
    guard areAny else { return first.indices.compactMap { $0 == client ? nil : numbers($0) } }
    var groups: [Int: [Double]] = [:]
    for place in first.indices where first[place] != first[client] {
      if let number = numbers(place) { groups[first[place], default: []].append(number) }
    }
    return groups.sorted { $0.key < $1.key }.map { median($0.value) }
  }
}

/// The middle one of some numbers, of which there is at least one.
func median(_ numbers: [Double]) -> Double {
  let sorted = numbers.sorted()
  let half = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/// The upper one of the two in the middle, where the count is even; nil of nothing.
///
/// Of the cosines of a client with the others it is what more than half of all clients, itself included, reach with it. So
/// fewer than half of them can neither lift it for one of their own, who would need an honest client as a witness, nor lower
/// it for an honest one.
func upperMedian(_ numbers: [Double]) -> Double? {
  numbers.isEmpty ? nil : numbers.sorted(by: >)[(numbers.count + 1) / 2 - 1]
}
