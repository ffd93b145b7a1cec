import Diagnostics
import Tensors

/// In which order samples are gone through.
package enum SampleOrder: String, Sendable, CaseIterable {
  /// Another one in every epoch.
  case random
  /// That of the files.
  case sequential
}

/// Which samples a training sees at which step, and where it saves; counted as the Trainer counts.
struct TrainingPlan: Sendable {
  /// Steps in all.
  let steps: Int
  let stepsOfEpoch: Int
  let warmupSteps: Int
  let saveSteps: Int
  private let count: Int
  private let batch: Int
  private let accumulation: Int
  private let seed: UInt64
  private let order: SampleOrder

  /// - parameter count: Of samples, at least one.
  /// - throws: ``Failure`` `usage` where there would be more steps than can be counted.
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

  /// Whether a checkpoint is made after so many steps.
  func saves(after step: Int) -> Bool { step == steps || step % saveSteps == 0 }

  /// Epochs that are trained, whole and begun.
  var epochs: Int { (steps + stepsOfEpoch - 1) / stepsOfEpoch }

  /// The epochs that so many steps make.
  func epoch(after step: Int) -> Double {
    let batches = (count + batch - 1) / batch
    let (epoch, rest) = ((step - 1) / stepsOfEpoch, (step - 1) % stepsOfEpoch + 1)
    return Double(epoch) + Double(min(rest * accumulation, batches)) / Double(batches)
  }

  /// The samples of a step that is counted from 0, as places among all.
  func samples(of step: Int) -> [Int] {
    let (epoch, place) = (step / stepsOfEpoch, step % stepsOfEpoch)
    let order = order(of: epoch)
    let size = batch * accumulation
    return Array(order[min(place * size, count)..<min((place + 1) * size, count)])
  }

  /// Where the samples of an epoch lie among all.
  func order(of epoch: Int) -> [Int] {
    var places = Array(0..<count)
    guard order == .random else { return places }
    let stream = RandomStream(seed: seed, "order", String(epoch))
    // Fisher and Yates, from the end; 64 bits leave no bias that anybody could see.
    for last in stride(from: count - 1, to: 0, by: -1) {
      let other = Int(stream.block(UInt64(last)).0.multipliedFullWidth(by: UInt64(last + 1)).high)
      places.swapAt(last, other)
    }
    return places
  }

  /// What the dropout of a sample is drawn from: its step, and its place among the samples of the step.
  func dropoutKey(step: Int, place: Int) -> UInt64 {
    let stream = RandomStream(seed: seed, "dropout", String(step))
    return stream.block(UInt64(place)).0
  }
}
