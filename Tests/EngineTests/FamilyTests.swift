import Models
import Tensors
import Testing

@testable import Engine

/// Random models of every family, against transformers and PEFT in float32 (Tests/Fixtures/models/make.py).
@Suite struct FamilyTests {
  static let families = [
    "llama2", "llama3", "llama-linear", "llama-yarn", "llama-bare", "mistral", "mistral-full", "qwen2", "qwen2-window",
    "qwen3", "qwen3-window",
  ]

  @Test(arguments: families) func lossesOfTunedAndUntunedModelAreTransformers(_ family: String) throws {
    let folder = "\(fixtures)/models/\(family)"
    let model = try LanguageModel(at: folder)
    let rows = try #require(json("\(folder)/oracle.json")["samples"]?.arrayValue)
    let tuned = try Engine(model: model, adapter: adapter(in: "\(folder)/adapter"), threads: 2).losses(
      of: rows.map(\.sample))
    let untuned = try Engine(model: model, adapter: nil, threads: 2).losses(of: rows.map(\.sample))
    for (place, row) in rows.enumerated() {
      for (result, key) in [(tuned[place], "loss"), (untuned[place], "base_loss")] {
        let expected = try #require(row[key]?.doubleValue)
        #expect(abs(loss(result) - expected) < 2e-6 * expected, "\(key) of \(place)")
      }
    }
  }

  @Test(arguments: families) func gradientsAreThoseOfAutograd(_ family: String) throws {
    let folder = "\(fixtures)/models/\(family)"
    let rows = try #require(json("\(folder)/oracle.json")["samples"]?.arrayValue)
    let oracle = try SafetensorsFile(Bytes(mapping: "\(folder)/oracle.safetensors"))
    let engine = try Engine(model: LanguageModel(at: folder), adapter: adapter(in: "\(folder)/adapter"), threads: 2)
    let sink = Collected()
    try engine.gradients(of: rows.map(\.sample), into: sink)
    for place in rows.indices {
      let prefix = "gradients.\(place)."
      let expected = try oracle.tensors.filter { $0.key.hasPrefix(prefix) }.map { name, tensor in
        (String(name.dropFirst(prefix.count)), try tensor.floats())
      }
      let found = deviation(sink.gradients[place] ?? [:], Dictionary(uniqueKeysWithValues: expected))
      #expect(found.largest < 2e-5 && found.length < 2e-5, "\(family), sample \(place): \(found)")
    }
  }
}
