import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

@testable import Training

/// Schedules, AdamW and clipping, as transformers and torch compute them.
@Suite struct PartTests {
  private static let parts = try! read(fixture("training/parts.json"))

  @Test func schedulesAreThoseOfTransformers() throws {
    let cases = try #require(Self.parts["schedules"]?.arrayValue)
    #expect(cases.count == 15)
    for item in cases {
      let schedule = try #require(Schedule(rawValue: item["kind"]?.stringValue ?? ""))
      let (warmup, total) = (try #require(item["warmup"]?.intValue), try #require(item["total"]?.intValue))
      for (step, factor) in (item["factors"]?.numbers ?? []).enumerated() {
        let found = schedule.factor(step: step, warmup: warmup, total: total)
        #expect(abs(found - factor) <= 1e-15, "\(schedule) \(warmup) \(total) \(step)")
      }
    }
  }

  @Test func stepsOfAdamWAreThoseOfTorch() throws {
    let cases = try #require(Self.parts["adamw"]?.arrayValue)
    #expect(cases.count == 3)
    for item in cases {
      let betas = item["betas"]?.numbers ?? []
      let settings = AdamW.Settings(
        beta1: betas[0], beta2: betas[1], epsilon: try #require(item["eps"]?.doubleValue),
        weightDecay: try #require(item["weight_decay"]?.doubleValue))
      var factors = item["start"]?.arrayValue?.map(\.floats) ?? []
      var optimizer = AdamW(settings, sizes: factors.map(\.count))
      for step in item["steps"]?.arrayValue ?? [] {
        let gradients = step["gradients"]?.arrayValue?.map(\.floats) ?? []
        optimizer.update(&factors, gradients, rate: try #require(step["rate"]?.doubleValue))
        for (found, due) in zip(factors, step["factors"]?.arrayValue?.map(\.floats) ?? []) {
          #expect(distance(found, due) < 1e-6)
        }
      }
      #expect(optimizer.step == 6)
      for (found, due) in zip(
        optimizer.first + optimizer.second, ["first", "second"].flatMap { item[$0]?.arrayValue ?? [] })
      {
        #expect(distance(found, due.floats) < 1e-6)
      }
    }
  }

  @Test func clippingIsThatOfTorch() throws {
    let cases = try #require(Self.parts["clipping"]?.arrayValue)
    #expect(cases.count == 3)
    for item in cases {
      var gradients = item["before"]?.arrayValue?.map(\.floats) ?? []
      let norm = clip(&gradients, to: try #require(item["most"]?.doubleValue))
      #expect(abs(norm / (item["norm"]?.doubleValue ?? 0) - 1) < 1e-6)
      for (found, due) in zip(gradients, item["after"]?.arrayValue ?? []) {
        #expect(distance(found, due.floats) < 1e-6)
      }
    }
    var gradients: [[Float]] = [[3, 4]]
    #expect(clip(&gradients, to: 0) == 5 && gradients == [[3, 4]])
  }

  private func plan(_ count: Int, _ change: (inout TrainingSettings) -> Void) throws -> TrainingPlan {
    var settings = llama(in: URL(filePath: "/nowhere"))
    settings.order = .random
    change(&settings)
    return try TrainingPlan(settings, count: count)
  }

  @Test func stepsAndEpochsAreCountedAsTheTrainerCountsThem() throws {
    // Ten samples in batches of two are five batches, in steps of two batches three steps, of which the last has one batch.
    var plan = try plan(10) { ($0.length, $0.saveSteps) = (.epochs(2.5), nil) }
    #expect(plan.stepsOfEpoch == 3 && plan.steps == 8 && plan.epochs == 3)
    #expect((1...8).map(plan.epoch) == [0.4, 0.8, 1, 1.4, 1.8, 2, 2.4, 2.8])
    #expect((1...8).filter(plan.saves) == [3, 6, 8])
    #expect((0..<6).map { plan.samples(of: $0).count } == [4, 4, 2, 4, 4, 2])
    #expect(try self.plan(10) { $0.warmup = 0.25 }.warmupSteps == 3)
    #expect(try self.plan(10) { $0.warmup = 2 }.warmupSteps == 2)
    #expect(try self.plan(1) { ($0.length, $0.batch) = (.epochs(0.1), 64) }.steps == 1)
  }

  @Test func everyEpochHasEachSampleOnceInAnOrderOfItsOwn() throws {
    var plan = try plan(101) { ($0.batch, $0.accumulation) = (7, 3) }
    let epochs = (0..<4).map { epoch in
      (0..<plan.stepsOfEpoch).flatMap { plan.samples(of: epoch * plan.stepsOfEpoch + $0) }
    }
    for order in epochs { #expect(order.sorted() == Array(0..<101)) }
    #expect(Set(epochs).count == 4)
    #expect(epochs == (0..<4).map(plan.order))
    let other = try self.plan(101) { ($0.batch, $0.accumulation, $0.seed) = (7, 3, 43) }
    #expect(other.order(of: 0) != epochs[0])
    // Where a sample comes depends on no other thing: each place is as likely as any.
    var sum = 0
    for epoch in 0..<400 { sum += plan.order(of: epoch).firstIndex(of: 0) ?? 0 }
    #expect(abs(Double(sum) / 400 - 50) < 5)
  }

  @Test func dropoutKeysAreAllDifferent() throws {
    let plan = try plan(10) { _ in }
    let keys = (0..<50).flatMap { step in (0..<20).map { plan.dropoutKey(step: step, place: $0) } }
    #expect(Set(keys).count == keys.count)
  }
}
