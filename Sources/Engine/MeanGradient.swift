import CKernels
import Diagnostics
import Synchronization

/// The mean gradient of some samples: V of a validation set.
package struct MeanGradient: Sendable {
  /// By module, in the order of ``Engine/modules``, A then B.
  let factors: [[Float]]

  /// Its length.
  package let norm: Double

  init(_ factors: [[Float]]) {
    self.factors = factors
    norm = factors.reduce(0) { $0 + clues_inner_product($1, $1, $1.count) }.squareRoot()
  }

  /// A factor's part, [rank, inputs] or [outputs, rank].
  package func a(of module: AdaptedModule) -> [Float] { factors[2 * module.place] }
  package func b(of module: AdaptedModule) -> [Float] { factors[2 * module.place + 1] }
}

extension Engine {
  /// The mean of the samples' gradients, and the samples' losses.
  ///
  /// Summed in double precision, pack by pack, so that the number of threads changes no bit.
  /// - throws: ``Failure`` `badData` if a sample has no gradient.
  package func meanGradient(of samples: [EncodedSample]) throws -> (mean: MeanGradient, losses: [SampleLoss]) {
    let sums = GradientSums(modules)
    let losses = try gradients(of: samples, into: sums)
    for (place, loss) in losses.enumerated() {
      guard case .unmeasured(let reason) = loss else { continue }
      throw Failure(
        .badData, "the validation sample \(place + 1) has no gradient: \(reason)",
        advice: "a target must be sound: fix the sample, or leave it out")
    }
    guard !samples.isEmpty else { throw Failure(.badData, "there are no validation samples") }
    let mean = sums.total().map { $0.map { Float($0 / Double(samples.count)) } }
    guard mean.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw Failure(.badData, "the validation gradient is not finite", advice: "use an earlier checkpoint")
    }
    return (MeanGradient(mean), losses)
  }
}

/// Sums gradients: within a pack on its thread, over packs in order.
final class GradientSums: GradientSink {
  private let modules: [AdaptedModule]
  // Locked because packs are finished on any thread, and added in their order.
  private let state: Mutex<State>

  private struct State {
    var running: [Int: Sums] = [:]
    var ended: [Int: Sums] = [:]
    var next = 0
    var total: Sums
  }

  /// Unchecked because a pack's sums are accessed only by its thread while it runs, and then under the lock.
  private final class Sums: @unchecked Sendable {
    var factors: [[Double]]

    init(_ modules: [AdaptedModule]) {
      factors = modules.flatMap { module in
        [module.rank * module.inputs, module.outputs * module.rank].map { Array(repeating: 0, count: $0) }
      }
    }
  }

  init(_ modules: [AdaptedModule]) {
    self.modules = modules
    state = Mutex(State(total: Sums(modules)))
  }

  func take(_ gradient: ModuleGradient) {
    let sums = state.withLock { state in
      if let sums = state.running[gradient.pack] { return sums }
      let sums = Sums(modules)
      state.running[gradient.pack] = sums
      return sums
    }
    for (place, part) in [(0, gradient.a), (1, gradient.b)] {
      sums.factors[2 * gradient.module.place + place].withUnsafeMutableBufferPointer { sum in
        for element in part.indices { sum[element] += Double(part[element]) }
      }
    }
  }

  func finish(pack: Int, samples: [Int]) {
    state.withLock { state in
      state.ended[pack] = state.running.removeValue(forKey: pack) ?? Sums([])
      while let sums = state.ended.removeValue(forKey: state.next) {
        for factor in sums.factors.indices {
          state.total.factors[factor].withUnsafeMutableBufferPointer { total in
            for element in total.indices { total[element] += sums.factors[factor][element] }
          }
        }
        state.next += 1
      }
    }
  }

  func total() -> [[Double]] { state.withLock { $0.total.factors } }
}
