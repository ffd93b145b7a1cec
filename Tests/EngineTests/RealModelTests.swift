import Foundation
import JSON
import Models
import Tensors
import Testing

@testable import Engine

/// A real model against gradients by autograd, where somebody has both: `CLUES_REAL_MODEL` names the model,
/// `CLUES_REAL_CLIENT` a folder with an adapter and `samples_and_expected.json`, and `CLUES_REAL_ORACLE` what
/// Tests/Fixtures/smollm/exact.py makes of them.
@Suite struct RealModelTests {
  static let model = ProcessInfo.processInfo.environment["CLUES_REAL_MODEL"]
  static let client = ProcessInfo.processInfo.environment["CLUES_REAL_CLIENT"]
  static let oracle = ProcessInfo.processInfo.environment["CLUES_REAL_ORACLE"]

  @Test(.enabled(if: model != nil && client != nil && oracle != nil)) func gradientsAreThoseOfAutograd() throws {
    let (path, folder) = (try #require(Self.model), try #require(Self.client))
    let engine = try Engine(model: LanguageModel(at: path), adapter: adapter(in: folder), threads: 2)
    let text = try json("\(folder)/samples_and_expected.json")
    let file = try SafetensorsFile(Bytes(mapping: #require(Self.oracle)))
    for split in ["train", "anchor", "val_medical"] {
      let (tensor, exact) = (try #require(file.tensors[split]), try #require(file.tensors["\(split).loss"]))
      let samples = try #require(text[split]?.arrayValue).map(\.sample)
      let sink = Collected()
      let losses = try engine.gradients(of: samples, into: sink)
      let width = tensor.shape[1]
      for place in samples.indices {
        let expectedLoss = exact.bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8 * place, as: Double.self) }
        #expect(abs(loss(losses[place]) - expectedLoss) < 2e-6 * expectedLoss)
        let flat = try tensor.floats(in: place * width..<(place + 1) * width)
        var (expected, offset) = ([String: [Float]](), 0)
        for module in engine.modules {
          for (name, count) in zip(
            module.parameters, [module.rank * module.inputs, module.outputs * module.rank])
          {
            expected[name] = Array(flat[offset..<offset + count])
            offset += count
          }
        }
        let found = deviation(sink.gradients[place] ?? [:], expected)
        print("\(split) \(place): largest \(found.largest), length \(found.length)")
        #expect(found.largest < 2e-5 && found.length < 2e-5, "\(split) \(place): \(found)")
      }
    }
  }
}
