import Adapters
import Models
import Synchronization
import Testing
import Threads

@testable import Engine

/// Threads that share the layers' activations.
@Suite struct LayerPoolTests {
  @Test(arguments: [(1, 7), (2, 7), (4, 1), (5, 3)]) func allGetToTheEndWithFewerThanEachAlone(
    _ threads: Int, _ layers: Int
  ) throws {
    let model = try LanguageModel(at: "\(fixtures)/models/llama2")
    let adaptation = try Adaptation(nil, model)
    let made = Mutex(0)
    let pool = LayerPool(layers: layers, threads: threads) {
      made.withLock { $0 += 1 }
      return try LayerActivations(model.shape, adaptation, Capacity(panels: 1, predictingPanels: 1, longestSample: 1))
    }
    let ended = try inParallel(60, threads: threads) { pack in
      pool.begin(pack)
      var held: [LayerActivations] = []
      for _ in 0..<layers { held.append(try pool.take(for: pack)) }
      #expect(Set(held.map(ObjectIdentifier.init)).count == layers)
      pool.turn(pack)
      // Some leave at once, as after an error, others step by step.
      if pack % 3 == 0 { pool.giveBack(held) } else { while let last = held.popLast() { pool.giveBack([last]) } }
      return pack
    }
    #expect(ended == Array(0..<60))
    #expect(made.withLock { $0 } <= layers + (layers + 1) / 2 * (threads - 1))
  }
}
