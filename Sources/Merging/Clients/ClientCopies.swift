/// Which clients' updates have the same direction, so that one is a copy of the other, at any length.
///
/// Two updates count as copies if their cosine is 1 to five digits. So do those of a group, each with a cosine above 0.98
/// to another, which are all ten times nearer to each other (by 1 − cosine) than to any other client, and no more than half
/// of all clients: a larger group may just be the clients that agree, next to a few that do not. Copies count once when
/// clients are judged by others: handing in an adapter twice does not make a second witness.
package struct ClientCopies: Sendable {
  /// For every client, the first among its copies; usually itself.
  package let first: [Int]
  /// Whether there are any copies.
  private let areAny: Bool

  package static let exact = 1e-5
  package static let near = 0.02
  static let nearness = 0.1

  /// - parameter cosines: Of all pairs, row-major; nil if two share nothing, and for updates of zero.
  package init(_ cosines: [Double?], count: Int) {
    func distance(_ i: Int, _ j: Int) -> Double? { cosines[i * count + j].map { 1 - $0 } }
    /// The first client with which a client is joined, directly or through others.
    func joined(closerThan limit: Double) -> [Int] {
      var first = Array(0..<count)
      for i in 0..<count {
        for j in 0..<i where distance(i, j).map({ $0 < limit }) ?? false && first[i] != first[j] {
          let (low, high) = (min(first[i], first[j]), max(first[i], first[j]))
          for index in first.indices where first[index] == high { first[index] = low }
        }
      }
      return first
    }
    let groups = joined(closerThan: Self.near)
    var first = joined(closerThan: Self.exact)
    for group in Set(groups) {
      let (members, others) = ((0..<count).filter { groups[$0] == group }, (0..<count).filter { groups[$0] != group })
      guard 2 * members.count <= count else { continue }
      let inner = members.flatMap { i in members.filter { $0 < i }.map { distance(i, $0) ?? .infinity } }.max()
      let outer = members.flatMap { i in others.compactMap { distance(i, $0) } }.min()
      if let inner, let outer, inner < Self.nearness * outer { for member in members { first[member] = group } }
    }
    self.first = first
    areAny = first.indices.contains { first[$0] != $0 }
  }

  /// The other clients that are copies of a client, or vice versa.
  package func copies(of client: Int) -> [Int] { first.indices.filter { $0 != client && first[$0] == first[client] } }

  /// The numbers with which a client is compared: without its own and its copies', and with one number for each group of
  /// copies.
  ///
  /// For a group, this is the number nearest to the client's own: a lengthened copy must not speak for the client that was
  /// copied. If the client has no number, it is their median.
  package func others(of client: Int, near own: Double? = nil, _ numbers: (Int) -> Double?) -> [Double] {
    guard areAny else { return first.indices.compactMap { $0 == client ? nil : numbers($0) } }
    var groups: [Int: [Double]] = [:]
    for index in first.indices where first[index] != first[client] {
      if let number = numbers(index) { groups[first[index], default: []].append(number) }
    }
    return groups.sorted { $0.key < $1.key }.map { _, numbers in
      own.flatMap { own in numbers.min { (abs($0 - own), $0) < (abs($1 - own), $1) } } ?? median(numbers)
    }
  }
}

/// The median of at least one number.
func median(_ numbers: [Double]) -> Double {
  let sorted = numbers.sorted()
  let half = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/// The upper median, the larger of the two in the middle if the count is even; nil if there are none.
///
/// For the cosines of a client with the others, it is what more than half of all clients, itself included, reach with it. So
/// colluding clients cannot raise it beyond what honest clients have in common, nor lower it for an honest one, as long as
/// they and one more are no more than half: otherwise they and a client that they imitate would be the majority.
func upperMedian(_ numbers: [Double]) -> Double? {
  numbers.isEmpty ? nil : numbers.sorted(by: >)[(numbers.count + 1) / 2 - 1]
}
