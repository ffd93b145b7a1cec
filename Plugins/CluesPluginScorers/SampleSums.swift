import PluginKit

/// Sums over a checkpoint's tensors for every sample: the inner products of its vector with some targets and, on request,
/// the vector's square.
struct SampleSums {
  /// Σ over tensors of ‖target‖², by target.
  private(set) var targetSquares: [Double]
  private let sampleCount: Int
  private var products: [Double]
  private var squares: [Double]
  private var isZero: [Bool]
  private var isFinite: [Bool]
  private let wantsSquares: Bool
  private var preconditioner: Preconditioner?
  private var tensor: GradientTensor?
  /// One after the other, [targets, elements].
  private var targets: [Float] = []

  /// - parameters:
  ///   - squares: Whether ``norm(_:)`` will be called.
  ///   - preconditioner: Turns gradients into the vectors; without one they are the gradients themselves.
  init(sampleCount: Int, targetCount: Int, squares: Bool, _ preconditioner: Preconditioner? = nil) {
    self.sampleCount = sampleCount
    wantsSquares = squares
    self.preconditioner = preconditioner
    targetSquares = [Double](repeating: 0, count: targetCount)
    products = [Double](repeating: 0, count: sampleCount * targetCount)
    self.squares = [Double](repeating: 0, count: sampleCount)
    isZero = [Bool](repeating: true, count: sampleCount)
    isFinite = [Bool](repeating: true, count: sampleCount)
  }

  mutating func begin(_ tensor: GradientTensor, targets: [[Float]]) {
    self.tensor = tensor
    self.targets = targets.reduce(into: []) { $0 += $1 }
    for (index, target) in targets.enumerated() {
      targetSquares[index] += target.withUnsafeBufferPointer { innerProduct($0, $0) }
    }
  }

  mutating func add(_ rows: GradientRows) {
    guard let tensor, sampleCount > 0 else { return }
    let targetCount = targetSquares.count
    let ranges = pieces(of: tensor.elementCount)
    var found = [Double](repeating: 0, count: targetCount)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: pieceLength) { room in
      for sample in rows.samples where isZero[sample] { isZero[sample] = rows[sample].isZero }
      // Piece by piece and not sample by sample: what all samples need stays in the nearest cache. For every sample the
      // pieces come in the same order.
      for range in ranges {
        for sample in rows.samples {
          let vector = piece(range, of: rows[sample], tensor, in: room)
          if wantsSquares { squares[sample] += innerProduct(vector, vector) }
          innerProducts(vector, targets, from: range.lowerBound, stride: tensor.elementCount, &found)
          // A non-finite number makes every product with it non-finite, even that with zero.
          if found.isEmpty || !found.allSatisfy(\.isFinite) { isFinite[sample] = isFinite[sample] && vector.isFinite }
          for index in 0..<targetCount { products[sample * targetCount + index] += found[index] }
        }
      }
    }
  }

  private func piece(
    _ range: Range<Int>, of gradient: Floats, _ tensor: GradientTensor, in room: UnsafeMutableBufferPointer<Float>
  ) -> Floats {
    preconditioner?.piece(range, of: gradient, tensor, in: room) ?? gradient.part(range)
  }

  /// ⟨vector, target⟩ of a sample.
  func product(_ sample: Int, _ target: Int) throws(Unscorable) -> Double {
    try check(sample)
    return products[sample * targetSquares.count + target]
  }

  /// ‖vector‖ of a sample, if squares were requested.
  func norm(_ sample: Int) throws(Unscorable) -> Double {
    try check(sample)
    return squares[sample].squareRoot()
  }

  private func check(_ sample: Int) throws(Unscorable) {
    if !isFinite[sample] { throw Unscorable("its gradient is not finite") }
    if isZero[sample] { throw Unscorable("its gradient is zero") }
  }
}
