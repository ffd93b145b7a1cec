import Diagnostics
import Tensors

/// The order of the samples.
package enum SampleOrder: String, Sendable, CaseIterable {
  /// A new one in every epoch.
  case random
  /// File order.
  case sequential
}

/// The samples of each step and the steps after which checkpoints are saved, counted as in the Trainer.
struct TrainingPlan: Sendable {
  /// The total number of steps.
  let steps: Int
  let stepsOfEpoch: Int
  let warmupSteps: Int
  let saveSteps: Int
  private let count: Int
  private let batch: Int
  private let accumulation: Int
  private let seed: UInt64
  private let order: SampleOrder

  /// The order of the epoch that was asked for last.
  private var drawn: (epoch: Int, order: [Int])?

  /// - parameter count: The number of samples, at least 1.
  /// - throws: ``Failure`` `usage` if there would be too many steps.
  init(_ settings: TrainingSettings, count: Int) throws {
    self.count = count
    (batch, accumulation) = (settings.batch, settings.accumulation)
    (seed, order) = (settings.seed, settings.order)
    let batches = (count + batch - 1) / batch
    stepsOfEpoch = (batches + accumulation - 1) / accumulation
    let steps =
      switch settings.length {
      case .steps(let steps): Double(steps)
      case .epochs(let epochs): (epochs * Double(stepsOfEpoch)).rounded(.up)
      }
    guard steps <= Double(Int32.max) else {
      throw Failure(.usage, "the training would have \(steps) steps", advice: "name fewer epochs, or larger batches")
    }
    self.steps = Int(steps)
    let warmup = settings.warmup < 1 ? (steps * settings.warmup).rounded(.up) : settings.warmup.rounded(.down)
    warmupSteps = Int(min(warmup, Double(Int32.max)))
    saveSteps = settings.saveSteps ?? stepsOfEpoch
  }

  /// Whether a checkpoint is saved after this number of steps.
  func saves(after step: Int) -> Bool { step == steps || step % saveSteps == 0 }

  /// The number of epochs, including a partial last one.
  var epochs: Int { (steps + stepsOfEpoch - 1) / stepsOfEpoch }

  /// The epochs, with fraction, after this number of steps.
  func epoch(after step: Int) -> Double {
    let batches = (count + batch - 1) / batch
    let (epoch, rest) = ((step - 1) / stepsOfEpoch, (step - 1) % stepsOfEpoch + 1)
    return Double(epoch) + Double(min(rest * accumulation, batches)) / Double(batches)
  }

  /// The indices of the samples of a step, counted from 0.
  mutating func samples(of step: Int) -> [Int] {
    let (epoch, place) = (step / stepsOfEpoch, step % stepsOfEpoch)
    let order = drawn.flatMap { $0.epoch == epoch ? $0.order : nil } ?? order(of: epoch)
    drawn = (epoch, order)
    let size = batch * accumulation
    return Array(order[min(place * size, count)..<min((place + 1) * size, count)])
  }

  /// The indices of the samples of an epoch, in order.
  func order(of epoch: Int) -> [Int] {
    var places = Array(0..<count)
    guard order == .random else { return places }
    let stream = RandomStream(seed: seed, "order", String(epoch))
    // Fisher–Yates from the end; with 64 bits the bias is negligible.
    for last in stride(from: count - 1, to: 0, by: -1) {
      let other = Int(stream.block(UInt64(last)).0.multipliedFullWidth(by: UInt64(last + 1)).high)
      places.swapAt(last, other)
    }
    return places
  }

  /// The dropout key of a sample, from its step and its index in the step.
  func dropoutKey(step: Int, place: Int) -> UInt64 {
    let stream = RandomStream(seed: seed, "dropout", String(step))
    return stream.block(UInt64(place)).0
  }
}
