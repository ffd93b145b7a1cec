import Adapters
import Models
import Tensors
import Testing

@testable import Engine

/// Gradients of batches, and dropout.
@Suite struct BatchTests {
  private static let samples = PropertyTests.samples(vocabulary: 61)
  private let keys = samples.indices.map { UInt64(1000 + $0) }

  private func engine(
    _ family: String, dropout: Double = 0, threads: Int = 1, packTokens: Int = 128, recomputes: Bool = false,
    memory: Int = .max
  ) throws -> BatchEngine {
    let folder = "\(fixtures)/models/\(family)"
    return try BatchEngine(
      model: LanguageModel(at: folder), adapter: adapter(in: "\(folder)/adapter"), longest: 64, dropout: dropout,
      threads: threads, packTokens: packTokens, recomputes: recomputes, memory: memory)
  }

  private func factors(_ family: String, _ engine: BatchEngine) throws -> [[Float]] {
    let modules = try adapter(in: "\(fixtures)/models/\(family)/adapter").modules
    return try engine.modules.flatMap { module in
      let own = try #require(modules[module.name])
      return [try own.a.floats(), try own.b.floats()]
    }
  }

  private func distance(_ a: [[Float]], _ b: [[Float]]) -> Double {
    let pairs = zip(a.joined(), b.joined())
    let (off, length) = pairs.reduce((0.0, 0.0)) {
      let d = Double($1.0) - Double($1.1)
      return ($0.0 + d * d, $0.1 + Double($1.1) * Double($1.1))
    }
    return a.map(\.count) == b.map(\.count) ? (off / length).squareRoot() : .infinity
  }

  /// The mean over all labels is that of the samples' means, each with its number of labels as weight.
  @Test(arguments: ["llama3", "mistral", "qwen2", "qwen3-window"])
  func aBatchIsTheWeightedMeanOfItsSamples(_ family: String) throws {
    let engine = try engine(family)
    let found = try engine.gradient(of: Self.samples, factors: try factors(family, engine), keys: keys)
    let folder = "\(fixtures)/models/\(family)"
    let single = Collected()
    let losses = try Engine(model: LanguageModel(at: folder), adapter: adapter(in: "\(folder)/adapter"), threads: 1)
      .gradients(of: Self.samples, into: single)
    let labels = Double(losses.reduce(0) { $0 + $1.tokens })
    let loss = losses.reduce(0) { $0 + ($1.value ?? .nan) * Double($1.tokens) } / labels
    #expect(abs(found.loss / loss - 1) < 1e-12)
    let due = try engine.modules.flatMap(\.parameters).map { name in
      var sum: [Double] = []
      for (place, loss) in losses.enumerated() {
        let gradient = try #require(single.gradients[place]?[name])
        if sum.isEmpty { sum = Array(repeating: 0, count: gradient.count) }
        for element in sum.indices { sum[element] += Double(gradient[element]) * Double(loss.tokens) / labels }
      }
      return sum.map { Float($0) }
    }
    #expect(distance(found.factors, due) < 3e-6)
  }

  @Test(arguments: [0, 0.3]) func threadsChangeNoBitAndPacksNextToNothing(_ dropout: Double) throws {
    let family = "qwen2"
    let first = try engine(family, dropout: dropout)
    let factors = try factors(family, first)
    let found = try first.gradient(of: Self.samples, factors: factors, keys: keys)
    for threads in [2, 3, 8] {
      let engine = try engine(family, dropout: dropout, threads: threads)
      for _ in 0..<2 {
        let again = try engine.gradient(of: Self.samples, factors: factors, keys: keys)
        #expect(again.loss == found.loss && (again.factors == found.factors) as Bool)
      }
    }
    for packTokens in [1, 1000] {
      let other = try engine(family, dropout: dropout, threads: 2, packTokens: packTokens)
        .gradient(of: Self.samples, factors: factors, keys: keys)
      #expect(abs(other.loss / found.loss - 1) < 1e-12 && distance(other.factors, found.factors) < 3e-6)
    }
    // In another order the same samples drop the same.
    let turned = try first.gradient(of: Self.samples.reversed(), factors: factors, keys: keys.reversed())
    #expect(abs(turned.loss / found.loss - 1) < 1e-12 && distance(turned.factors, found.factors) < 3e-6)
  }

  /// With every family: head norms, biases, windows, and adapters on every layer or on some.
  @Test(arguments: ["llama3", "mistral", "qwen2", "qwen3-window"], [0, 0.3])
  func checkpointedActivationsChangeNoBit(_ family: String, _ dropout: Double) throws {
    let engine = try engine(family, dropout: dropout)
    let factors = try factors(family, engine)
    let found = try engine.gradient(of: Self.samples, factors: factors, keys: keys)
    for threads in [1, 3] {
      let other = try self.engine(family, dropout: dropout, threads: threads, recomputes: true)
      for _ in 0..<2 {
        let again = try other.gradient(of: Self.samples, factors: factors, keys: keys)
        #expect(again.loss == found.loss && (again.factors == found.factors) as Bool)
      }
    }
  }

  @Test func activationsAreCheckpointedWhereTheyWouldTakeTooMuchMemory() throws {
    #expect(try !engine("qwen2").recomputes && engine("qwen2", memory: 1000).recomputes)
    // Four layers of less than a quarter of the memory each are not too much for one thread, but for ten.
    let memory = 1 << 20
    #expect(try !engine("qwen2", memory: memory).recomputes && engine("qwen2", threads: 10, memory: memory).recomputes)
  }

  /// Against differences of losses: the gradient knows what was dropped on the way up.
  @Test(arguments: ["llama3", "qwen3-window"]) func theGradientIsThatOfTheLossWithDropout(_ family: String) throws {
    let engine = try engine(family, dropout: 0.4)
    let factors = try factors(family, engine)
    let (loss, gradient) = try engine.gradient(of: Self.samples, factors: factors, keys: keys)
    let undropped = try self.engine(family).gradient(of: Self.samples, factors: factors, keys: keys)
    #expect(abs(loss - undropped.loss) > 1e-4 && distance(gradient, undropped.factors) > 0.05)
    // Along the gradient of each factor alone.
    for place in factors.indices {
      let length = gradient[place].reduce(0) { $0 + $1 * $1 }.squareRoot()
      let size = factors[place].reduce(0) { $0 + $1 * $1 }.squareRoot()
      // Large steps meet the curve of the loss, small ones the rounding of float32.
      let errors = try [0.01, 0.003, 0.001, 0.0003].map { share in
        let step = Float(share) * size / length
        func moved(_ by: Float) throws -> Double {
          var changed = factors
          for element in changed[place].indices { changed[place][element] += by * gradient[place][element] }
          return try engine.gradient(of: Self.samples, factors: changed, keys: keys).loss
        }
        let slope = (try moved(step) - moved(-step)) / Double(2 * step)
        return abs(slope / Double(length * length) - 1)
      }
      #expect((errors.min() ?? 1) < 0.01, "\(engine.modules[place / 2].name) \(place % 2): \(errors)")
    }
  }

  @Test func aNumberIsDroppedOrScaledUp() throws {
    let family = "llama3"
    let model = try LanguageModel(at: "\(fixtures)/models/\(family)")
    let adaptation = try Adaptation(try adapter(in: "\(fixtures)/models/\(family)/adapter"), model)
    let samples = Self.samples
    let module = try #require(adaptation.modules.first { $0.role == .query })
    func masks(_ pack: Pack, _ keys: [UInt64]) throws -> [Int: [[Float]]] {
      let capacity = Capacity(panels: pack.panels, predictingPanels: pack.predictingPanels, longestSample: 64)
      let passes = Passes(model, adaptation, capacity, threads: 1, keeps: true)
      return try passes.take(pack, adaptation, dropout: Dropout(rate: 0.25, keys: keys)) { pass in
        let ones = pass.work.normed
        ones.start.update(repeating: 1, count: pack.panels * ones.stride)
        let dropped = pass.work.dropped.prefix(module.inputs)
        pass.drop(ones, into: dropped, of: module, pack.panels)
        return Dictionary(
          uniqueKeysWithValues: zip(pack.samples, pack.ranges).map { sample, range in
            (
              sample,
              range.map { token in (0..<module.inputs).map { dropped.token(token)[$0 * Panels.width] } }
            )
          })
      }
    }
    let together = try masks(Pack([1, 4, 6], of: samples), keys)
    let alone = try masks(Pack([4], of: samples), keys)
    #expect(together[4] == alone[4])
    #expect(try masks(Pack([4], of: samples), keys.map { $0 + 77 })[4] != alone[4])
    let all = together.values.flatMap { $0.joined() }
    #expect(all.allSatisfy { $0 == 0 || $0 == Float(1 / 0.75) })
    // Of so many numbers the share is within four standard deviations.
    let share = Double(all.count { $0 == 0 }) / Double(all.count)
    #expect(abs(share - 0.25) < 4 * (0.25 * 0.75 / Double(all.count)).squareRoot(), "\(share) of \(all.count)")
  }

  @Test func aLossThatIsNoNumberHasNoGradient() throws {
    let engine = try engine("llama3")
    var factors = try factors("llama3", engine)
    factors[0] = factors[0].map { $0 * 1e30 }
    factors[1] = factors[1].map { $0 * 1e30 }
    let found = try engine.gradient(of: Self.samples, factors: factors, keys: keys)
    #expect(!found.loss.isFinite && found.factors.isEmpty)
  }
}
