import PluginKit

/// A way to compute the cosines of ``Less``: one for each domain that counts.
protocol CosineMethod {
  mutating func begin(_ tensor: GradientTensor) throws
  mutating func update(_ rows: GradientRows)
  func cosines(_ sample: Int) throws(Unscorable) -> [Double]
}

/// Cosines with the mean validation gradients.
struct MeanCosines: CosineMethod {
  var alignment: Alignment

  mutating func begin(_ tensor: GradientTensor) { alignment.begin(tensor) }
  mutating func update(_ rows: GradientRows) { alignment.add(rows) }

  func cosines(_ sample: Int) throws(Unscorable) -> [Double] {
    var cosines: [Double] = []
    for index in alignment.domains.indices {
      let product = try alignment.product(sample, index)
      cosines.append(product / (try alignment.norm(sample)) / (try alignment.targetNorm(sample, index)))
    }
    return cosines
  }
}

/// Mean cosines with all validation samples: cosines are linear in the normalised validation gradient, so the mean of these
/// suffices.
struct SampleCosines: CosineMethod {
  private let checkpoint: Checkpoint
  private let domains: [Int]
  private var sums: SampleSums

  /// - throws: ``PluginError`` when a validation gradient is zero.
  init(_ checkpoint: Checkpoint, domains: [Int]) throws {
    self.checkpoint = checkpoint
    self.domains = domains
    sums = SampleSums(
      sampleCount: checkpoint.sampleCount, targetCount: domains.count, squares: true, Preconditioner())
    for domain in domains {
      for (sample, norm) in checkpoint.validationNorms[domain].enumerated() where !(norm > 0 && norm.isFinite) {
        throw PluginError(
          "the gradient of validation sample \(sample) of '\(checkpoint.domains[domain])' has norm \(norm) at "
            + "checkpoint \(checkpoint.step) of client '\(checkpoint.client)', so it has no cosine")
      }
    }
  }

  mutating func begin(_ tensor: GradientTensor) {
    let directions = domains.map { domain -> [Float] in
      let norms = checkpoint.validationNorms[domain]
      var mean = [Double](repeating: 0, count: tensor.elementCount)
      for (sample, norm) in norms.enumerated() {
        add(1 / (norm * Double(norms.count)), times: tensor.validationSample(sample, of: domain), to: &mean)
      }
      return mean.map { Float($0) }
    }
    sums.begin(tensor, targets: directions)
  }

  mutating func update(_ rows: GradientRows) { sums.add(rows) }

  func cosines(_ sample: Int) throws(Unscorable) -> [Double] {
    let norm = try sums.norm(sample)
    guard norm > 0 else { throw Unscorable("its preconditioned gradient is zero") }
    var cosines: [Double] = []
    for index in domains.indices { cosines.append(try sums.product(sample, index) / norm) }
    return cosines
  }
}

/// Cosines between random projections.
struct SketchedCosines: CosineMethod {
  private let checkpoint: Checkpoint
  private let preconditioner = Preconditioner()
  private let target: Less.Target
  private let domains: [Int]
  private let dimension: Int
  private let seed: Int
  private var projection: SparseProjection?
  private var tensor: GradientTensor?
  /// `dimension` numbers for every sample.
  private var sketches: [Double]
  /// The same for every validation vector, by domain.
  private var targets: [[Double]]

  init(_ checkpoint: Checkpoint, domains: [Int], _ target: Less.Target, dimension: Int, seed: Int) {
    self.checkpoint = checkpoint
    self.target = target
    self.domains = domains
    self.dimension = dimension
    self.seed = seed
    sketches = [Double](repeating: 0, count: checkpoint.sampleCount * dimension)
    targets = domains.map { domain in
      let count = target == .mean ? 1 : checkpoint.validationNorms[domain].count
      return [Double](repeating: 0, count: count * dimension)
    }
  }

  mutating func begin(_ tensor: GradientTensor) throws {
    let projection = SparseProjection(of: tensor, to: dimension, seed: seed, host: checkpoint.host)
    for (index, domain) in domains.enumerated() {
      for vector in 0..<(targets[index].count / dimension) {
        let gradient =
          target == .mean ? tensor.validationMean(domain) : tensor.validationSample(vector, of: domain)
        projection.add(gradient, at: gradient.indices, to: &targets[index], from: vector * dimension)
      }
    }
    self.projection = projection
    self.tensor = tensor
  }

  mutating func update(_ rows: GradientRows) {
    guard let tensor, let projection else { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: pieceLength) { room in
      for sample in rows.samples {
        for range in pieces(of: tensor.elementCount) {
          let vector = preconditioner.piece(range, of: rows[sample], tensor, in: room)
          projection.add(vector, at: range, to: &sketches, from: sample * dimension)
        }
      }
    }
  }

  func cosines(_ sample: Int) throws(Unscorable) -> [Double] {
    let sketch = sketches[sample * dimension..<(sample + 1) * dimension]
    let norm = norm(sketch)
    guard norm.isFinite else { throw Unscorable("its gradient is not finite") }
    guard norm > 0 else { throw Unscorable("its projected gradient is zero") }
    var cosines: [Double] = []
    for (index, domain) in domains.enumerated() {
      let count = targets[index].count / dimension
      var sum = 0.0
      for vector in 0..<count {
        let other = targets[index][vector * dimension..<(vector + 1) * dimension]
        let length = self.norm(other)
        guard length > 0 else {
          throw Unscorable("a projected validation gradient of \(checkpoint.domains[domain]) is zero")
        }
        sum += zip(sketch, other).reduce(0) { $0 + $1.0 * $1.1 } / (norm * length)
      }
      cosines.append(sum / Double(count))
    }
    return cosines
  }

  private func norm(_ sketch: ArraySlice<Double>) -> Double {
    sketch.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
