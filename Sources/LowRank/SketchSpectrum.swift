/// The singular values of a matrix according to a sketch, with error bounds; see ``Sketch``.
struct SketchSpectrum {
  /// K at index k, and the square of ‖X‖ there.
  private var kept = [0.0]
  private var residual = [0.0]
  private let energy: Double
  private let outside: Double

  /// - parameters:
  ///   - gram: C·Cᵀ.
  ///   - coupling: S [b, b], with which the last b directions lead out of the sketch.
  ///   - energy: ‖M‖²_F.
  init(_ gram: Matrix<Double>, coupling: Matrix<Double>, energy: Double) throws {
    let count = gram.rows
    let eigen = try SymmetricEigen(gram)
    let last = eigen.vectors.panel(columns: count - coupling.rows..<count)
    let leading = try product(last, coupling.whole).elements
    let noise = Double(count) * .ulpOfOne * eigen.values[0]
    for (index, value) in eigen.values.enumerated() {
      kept.append(kept[index] + max(0, value))
      // M·v − u·s is what the last block's part of u couples to, divided by s; unknown if s is just rounding.
      let row = leading[index * coupling.columns..<(index + 1) * coupling.columns]
      residual.append(residual[index] + (value > noise ? row.reduce(0) { $0 + $1 * $1 } / value : .infinity))
    }
    self.energy = energy
    outside = max(0, energy - kept[count])
  }

  /// The rank at which to cut, and a bound for how much less than the best it keeps.
  struct Verdict {
    let rank: Int
    let shortfall: Double
  }

  /// The verdict, if the check is passed.
  func verdict(on rank: Rank, tolerance: Double) -> Verdict? {
    switch rank {
    case .full: return nil
    case .exactly(let count):
      guard count < kept.count else { return nil }
      let shortfall = shortfall(at: count)
      return shortfall <= tolerance ? Verdict(rank: count, shortfall: shortfall) : nil
    case .energy(let share):
      guard let count = kept.firstIndex(where: { $0 >= share * energy }).map({ max(1, $0) }) else { return nil }
      guard mostPossible(at: count - 1) <= share * (1 + tolerance) * energy else { return nil }
      return Verdict(rank: count, shortfall: shortfall(at: count))
    }
  }

  /// The most energy that any k directions of the matrix can hold.
  private func mostPossible(at count: Int) -> Double {
    let root = kept[count].squareRoot() + residual[count].squareRoot()
    return min(kept[count] + outside, root * root)
  }

  private func shortfall(at count: Int) -> Double {
    let most = mostPossible(at: count)
    return most > 0 ? max(0, 1 - kept[count] / most) : 0
  }
}
