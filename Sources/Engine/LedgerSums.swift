import Adapters
import CKernels
import Diagnostics
import Synchronization

/// The norms and inner products of a ledger's row for one sample.
///
/// With g the sample's gradient, m and v Adam's moments and V the mean validation gradient of a domain:
///
///     gradient   g                                  adam   g / √(0.999·v + 0.001·g² + 10⁻⁸)
///     reference  (0.9·m + 0.1·g) / √(0.999·v + 0.001·g² + 10⁻⁸)
package struct LedgerRow: Sendable {
  /// One of the vectors: its length, and its inner products with V by domain.
  package struct Alignment: Sendable, Equatable {
    package var norm: Double
    package var dots: [Double]
  }

  package var gradient: Alignment

  /// Nil without moments.
  package var adam, reference: Alignment?
}

/// Sums the norms and inner products of samples' gradients as they come, so that no gradient is kept.
///
/// A factor is processed in pieces that fit in the nearest cache; sums within a piece and over pieces are in double precision.
/// The scorers compute the same sums from gradient files.
package final class LedgerSums: GradientSink {
  private let parts: [Part]
  private let domains: Int
  private let rows: Rows

  /// The targets of comparison for one factor.
  private struct Part {
    var first, second: [Float]?
    /// [domains, elements].
    var targets: [Float]
  }

  /// - parameters:
  ///   - samples: The number of samples.
  ///   - moments: For every parameter by its name in `adapter_model.safetensors`; nil omits `adam` and `reference`.
  ///   - targets: The mean validation gradient of each domain.
  /// - throws: ``Failure`` `badData` for moments that are missing, have another shape, or cannot come from Adam.
  package init(
    samples: Int, modules: [AdaptedModule], moments: [String: OptimizerState.Moments]?, targets: [MeanGradient]
  ) throws {
    domains = targets.count
    parts = try modules.flatMap { module in
      try module.parameters.enumerated().map { factor, name in
        let shape = factor == 0 ? [module.rank, module.inputs] : [module.outputs, module.rank]
        let held = try moments.map { try Self.checked($0[name], name, shape) }
        return Part(
          first: held?.first, second: held?.second, targets: targets.flatMap { $0.factors[2 * module.place + factor] })
      }
    }
    rows = Rows(count: samples, domains: targets.count)
  }

  private static func checked(
    _ moments: OptimizerState.Moments?, _ name: String, _ shape: [Int]
  ) throws -> (first: [Float], second: [Float]) {
    try locating(tensor: name) {
      guard let moments, moments.first.shape == shape, moments.second.shape == shape else {
        throw Failure(
          .badData, "has no moments of its shape \(shape) in the optimizer state",
          advice: "use adapter and optimizer state from the same checkpoint")
      }
      let (first, second) = (try moments.first.floats(), try moments.second.floats())
      guard first.allSatisfy(\.isFinite), second.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
        throw Failure(
          .badData, "holds moments that Adam cannot have made: not finite, or a negative mean of squares",
          advice: "hand in the optimizer.pt of a checkpoint whose training was sound")
      }
      return (first, second)
    }
  }

  package func take(_ gradient: ModuleGradient) {
    let row = rows.row(gradient.sample)
    for (factor, values) in [gradient.a, gradient.b].enumerated() {
      add(values, parts[2 * gradient.module.place + factor], to: row)
    }
  }

  private static let piece = 1024

  /// Without momentum, and with.
  private static let rules = [(0, 1), (0.9, 1 - 0.9)].map { first, gradient in
    clues_preconditioner(
      first_moment: Float(first), first_gradient: Float(gradient), second_moment: 0.999,
      second_gradient: Float(1 - 0.999), epsilon: 1e-8, epsilon_is_inside: 1)
  }

  private func add(_ values: UnsafeBufferPointer<Float>, _ part: Part, to row: UnsafeMutablePointer<Double>) {
    guard let gradient = values.baseAddress else { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.piece) { room in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: domains + 1) { found in
        guard let update = room.baseAddress, let products = found.baseAddress else { return }
        part.targets.withUnsafeBufferPointer { targets in
          for start in stride(from: 0, to: values.count, by: Self.piece) {
            let count = min(Self.piece, values.count - start)
            func add(_ vector: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Double>) {
              sums[0] += clues_inner_product(vector, vector, count)
              guard domains > 0, let targets = targets.baseAddress else { return }
              clues_inner_products(vector, targets + start, values.count, domains, count, products)
              for domain in 0..<domains { sums[1 + domain] += products[domain] }
            }
            add(gradient + start, to: row)
            guard let first = part.first, let second = part.second else { continue }
            for (place, rule) in Self.rules.enumerated() {
              withUnsafePointer(to: rule) { rule in
                first.withUnsafeBufferPointer { first in
                  second.withUnsafeBufferPointer { second in
                    guard let m = first.baseAddress, let v = second.baseAddress else { return }
                    clues_precondition(gradient + start, m + start, v + start, rule, update, count)
                  }
                }
              }
              add(update, to: row + (1 + place) * (1 + domains))
            }
          }
        }
      }
    }
  }

  package func finish(pack: Int, samples: [Int]) { rows.finish(samples) }

  /// The row of a sample; nil if it has no loss and so no gradient.
  package func row(of sample: Int) -> LedgerRow? {
    guard rows.isFinished(sample) else { return nil }
    let sums = rows.row(sample)
    func alignment(_ place: Int) -> LedgerRow.Alignment {
      let start = sums + place * (1 + domains)
      return LedgerRow.Alignment(norm: start[0].squareRoot(), dots: (0..<domains).map { start[1 + $0] })
    }
    let hasMoments = parts.first?.first != nil
    return LedgerRow(
      gradient: alignment(0), adam: hasMoments ? alignment(1) : nil, reference: hasMoments ? alignment(2) : nil)
  }
}

/// The sums of all samples. Unchecked because a sample's are only accessed by the thread that computes it.
private final class Rows: @unchecked Sendable {
  private let sums: UnsafeMutablePointer<Double>
  private let width: Int
  // Locked because samples are finished on any thread.
  private let finished: Mutex<Set<Int>>

  init(count: Int, domains: Int) {
    width = 3 * (1 + domains)
    sums = .allocate(capacity: max(count, 1) * width)
    sums.initialize(repeating: 0, count: max(count, 1) * width)
    finished = Mutex([])
  }

  deinit { sums.deallocate() }

  func row(_ sample: Int) -> UnsafeMutablePointer<Double> { sums + sample * width }

  func finish(_ samples: [Int]) { finished.withLock { $0.formUnion(samples) } }

  func isFinished(_ sample: Int) -> Bool { finished.withLock { $0.contains(sample) } }
}
