import Diagnostics

/// The number of singular directions of a matrix to keep.
public enum Rank: Sendable, Equatable {
  /// All of them: terms are stacked, which is exact; of any other matrix, every direction is kept that is more than rounding.
  case full

  /// This many, but no more than the matrix can have.
  case exactly(Int)

  /// The fewest that keep this share, above 0 and up to 1, of the squared Frobenius norm.
  case energy(Double)

  /// - throws: ``Failure`` `usage` for a rank below 1 or an invalid share.
  func validate() throws {
    switch self {
    case .full: break
    case .exactly(let count):
      guard count >= 1 else { throw Failure(.usage, "invalid rank \(count)", advice: "use 1 or more") }
    case .energy(let share):
      guard share > 0, share <= 1 else {
        throw Failure(
          .usage, "invalid share \(share) of the energy", advice: "use a value above 0, up to 1")
      }
    }
  }

  /// The number of directions to keep of a matrix with these singular values, largest first; at least 1, because PEFT has no
  /// adapters of rank 0.
  func count(keeping values: [Double]) -> Int {
    switch self {
    case .full: return max(1, values.count { $0 > 0 })
    case .exactly(let count): return max(1, min(count, values.count))
    case .energy(let share):
      // Summed from the small end, where the choice is made and large numbers would hide small ones.
      let tails = tailEnergies(values)
      let allowed = (1 - share) * tails[0]
      return max(1, tails.firstIndex { $0 <= allowed } ?? values.count)
    }
  }
}

/// At index k, the energy discarded by keeping the first k singular values.
func tailEnergies(_ values: [Double]) -> [Double] {
  var tails = [0.0]
  for value in values.reversed() { tails.append(tails[tails.count - 1] + value * value) }
  return tails.reversed()
}
