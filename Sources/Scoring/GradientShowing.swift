import Adapters
import CKernels
import Diagnostics
import PluginHost
import Tensors

/// Passes the gradients of one checkpoint to a scorer, tensor by tensor and block by block.
///
/// In memory are a block of rows, and the moments and validation gradients that the scorer needs for one tensor.
struct GradientShowing {
  private let gradients: GradientEvidence
  private let needs: ScorerNeeds
  private let domains: [String]
  private let moments: [String: OptimizerState.Moments]
  private let momentsFile: String?
  private let samples: [ClientEvidence.ScoredSample]
  private let group: OptimizerState.Group?
  /// For every sample with a non-finite gradient, what is wrong with it.
  private(set) var faults: [Int: String] = [:]

  /// The elements of a block: 512 KiB of float32, which stay in the cache from reading to scoring.
  private static let blockElements = 1 << 17

  /// The largest element of a gradient.
  private static let largest = Float(Measure.gradientNorm.range.upperBound)

  init(_ gradients: GradientEvidence, _ evidence: CheckpointEvidence, _ needs: ScorerNeeds, domains: [String]) throws {
    self.gradients = gradients
    self.needs = needs
    self.domains = domains
    samples = evidence.samples
    momentsFile = evidence.momentsFile
    (moments, group) = needs.evidence.contains(.moments) ? try evidence.moments() : ([:], nil)
  }

  /// Adds what gradients bring. Betas, epsilon and step are from the optimizer's file: NaN without moments, the step also if
  /// parameters differ in it.
  func describe(_ checkpoint: inout ScoringCheckpoint) throws {
    if let group {
      let steps = Set(moments.values.map(\.step))
      checkpoint.betas = (group.beta1, group.beta2)
      checkpoint.epsilon = group.epsilon
      checkpoint.optimizerStep = steps.count == 1 ? steps.first.map(Double.init) ?? .nan : .nan
    }
    checkpoint.validationNorms = try validationNorms()
    checkpoint.tensorCount = gradients.parameters.count
  }

  /// For every domain, the norm of each validation gradient; empty lists unless they are needed.
  private func validationNorms() throws -> [[Double]] {
    try domains.map { domain in
      guard needs.evidence.contains(.validationSamples), let rows = gradients.validation[domain] else { return [] }
      var squares = [Double](repeating: 0, count: rows.count)
      for (name, shape) in gradients.parameters {
        let width = shape.reduce(1, *)
        try forEachBlock(of: rows, name, width: width) { first, values in
          for place in values.indices {
            squares[first + place / width] += Double(values[place]) * Double(values[place])
          }
        }
      }
      return squares.map { $0.squareRoot() }
    }
  }

  /// Passes every tensor to the scorer, as many times as it needs.
  ///
  /// - parameter progress: Gets the fraction of all elements processed, from 0 to 1.
  mutating func show(to instance: ScorerInstance, progress: (Double) -> Void) throws {
    let all = gradients.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
    var shown = 0
    for (index, parameter) in gradients.parameters.enumerated() {
      try Interruption.check()
      let width = parameter.shape.reduce(1, *)
      var tensor = ScoringTensor(name: parameter.name, index: index, elementCount: width)
      let held = try hold(parameter.name, width: width)
      try withExtendedLifetime(held) {
        tensor.firstMoment = held.first?.pointer
        tensor.secondMoment = held.second?.pointer
        tensor.validationMeans = held.means.map { $0?.pointer }
        tensor.validationSamples = zip(domains, held.samples).map { domain, samples in
          .init(count: gradients.validation[domain]?.count ?? 0, values: samples?.pointer)
        }
        try instance.begin(tensor)
        for pass in 0..<needs.passes { try show(parameter.name, width: width, pass: pass, to: instance) }
        try instance.endTensor()
      }
      shown += width
      progress(Double(shown) / Double(max(all, 1)))
    }
  }

  private mutating func show(_ name: String, width: Int, pass: Int, to instance: ScorerInstance) throws {
    var start = 0
    for rows in gradients.scored {
      let base = start
      var faults = faults
      try forEachBlock(of: rows, name, width: width) { first, values in
        let count = values.count / width
        for row in 0..<count {
          let part = UnsafeMutableBufferPointer(rebasing: values[row * width..<(row + 1) * width])
          guard let address = part.baseAddress, clues_all_within(address, width, Self.largest) == 0 else { continue }
          if clues_all_finite(address, width) != 0 { throw tooLarge(samples[base + first + row], rows, name) }
          // The sample will have no score; as zero it does not affect the others.
          faults[base + first + row] = faults[base + first + row] ?? "its gradient is NaN or infinite in \(name)"
          part.update(repeating: 0)
        }
        if let address = values.baseAddress {
          try instance.update(pass: pass, firstSample: base + first, rowCount: count, values: address)
        }
      }
      self.faults = faults
      start += rows.count
    }
  }

  /// What a scorer may see of the current tensor.
  private struct Held {
    var first: FloatBuffer?
    var second: FloatBuffer?
    var means: [FloatBuffer?] = []
    var samples: [FloatBuffer?] = []
  }

  private func hold(_ name: String, width: Int) throws -> Held {
    var held = Held()
    if let moments = moments[name] {
      held.first = try FloatBuffer(sound(moments.first.floats(), "exp_avg", name) { abs($0) <= Self.largest })
      held.second = try FloatBuffer(
        sound(moments.second.floats(), "exp_avg_sq", name) { $0 >= 0 && $0 <= Self.largest * Self.largest })
    }
    guard !needs.evidence.isDisjoint(with: [.validationMeans, .validationSamples]) else { return held }
    for domain in domains {
      let buffers = try gradients.validation[domain].map { rows in try validation(rows, name, width: width) }
      held.means.append(needs.evidence.contains(.validationMeans) ? buffers?.mean : nil)
      held.samples.append(needs.evidence.contains(.validationSamples) ? buffers?.samples : nil)
    }
    return held
  }

  private func tooLarge(
    _ sample: ClientEvidence.ScoredSample, _ rows: GradientEvidence.Rows, _ name: String
  ) -> Failure {
    Failure(
      .badData,
      "the gradient of the \(sample.split.name) sample '\(sample.id)' has elements beyond \(Self.largest), but "
        + "\(Measure.gradientNorm.bounds)",
      advice: "compute it again; if that is impossible, write NaN: the sample is then unscored",
      file: rows.file, tensor: name)
  }

  /// The moments, checked for values that Adam cannot produce.
  private func sound(
    _ values: [Float], _ moment: String, _ name: String, _ isSound: (Float) -> Bool
  ) throws -> [Float] {
    guard let odd = values.first(where: { !isSound($0) }) else { return values }
    throw Failure(
      .badData, "has \(odd) in its moment '\(moment)', which Adam cannot produce",
      advice: "hand in the optimizer.pt of a checkpoint from sound training, or a ledger", file: momentsFile,
      tensor: name)
  }

  private func validation(
    _ rows: GradientEvidence.Rows, _ name: String, width: Int
  ) throws -> (mean: FloatBuffer, samples: FloatBuffer?) {
    let keepsSamples = needs.evidence.contains(.validationSamples)
    var all: [Float] = []
    var sums = [Double](repeating: 0, count: width)
    try forEachBlock(of: rows, name, width: width) { _, values in
      guard let address = values.baseAddress, clues_all_finite(address, values.count) != 0 else {
        throw Failure(
          .badData, "contains NaN or infinite numbers", advice: "a target must be finite: compute it again",
          file: rows.file, tensor: name)
      }
      guard clues_all_within(address, values.count, Self.largest) != 0 else {
        throw Failure(
          .badData, "has elements beyond \(Self.largest), but \(Measure.gradientNorm.bounds)",
          advice: "a target must be sound: compute it again", file: rows.file, tensor: name)
      }
      sums.withUnsafeMutableBufferPointer { sums in
        for row in stride(from: 0, to: values.count, by: width) {
          for place in 0..<width { sums[place] += Double(address[row + place]) }
        }
      }
      if keepsSamples { all.append(contentsOf: values) }
    }
    guard rows.count > 0 else {
      throw Failure(.badData, "has no validation samples", file: rows.file)
    }
    return (
      FloatBuffer(sums.map { Float($0 / Double(rows.count)) }), keepsSamples ? FloatBuffer(all) : nil
    )
  }

  /// Reads the rows of a tensor in blocks; `body` gets the first row's index and the values, which it may change.
  private func forEachBlock(
    of rows: GradientEvidence.Rows, _ name: String, width: Int,
    _ body: (Int, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    let height = max(1, Self.blockElements / max(1, width))
    let block = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(height, max(1, rows.count)) * width)
    defer { block.deallocate() }
    var first = 0
    while first < rows.count, let start = block.baseAddress {
      let count = min(height, rows.count - first)
      try rows.stream.read(rows.names[name] ?? name, first * width..<(first + count) * width, into: start)
      try body(first, UnsafeMutableBufferPointer(rebasing: block[..<(count * width)]))
      first += count
    }
  }
}

/// Float32 values at a stable address.
final class FloatBuffer {
  private let buffer: UnsafeMutableBufferPointer<Float>

  init(_ values: [Float]) {
    buffer = .allocate(capacity: max(1, values.count))
    _ = buffer.initialize(from: values)
  }

  deinit { buffer.deallocate() }

  var pointer: UnsafePointer<Float>? { UnsafePointer(buffer.baseAddress) }
}
