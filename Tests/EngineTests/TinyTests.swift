import Adapters
import JSON
import Models
import Tensors
import Testing

@testable import Engine

/// Two clients' checkpoints by the Trainer of Hugging Face: gradients by autograd, scores by the paper's formula.
@Suite struct TinyTests {
  let tiny = "\(fixtures)/tiny"

  private func samples(_ client: String, _ split: String) throws -> [EncodedSample] {
    try #require(json("\(tiny)/data.json")[client]?[split]?.arrayValue).map(\.sample)
  }

  private func engine(_ client: String, _ step: Int) throws -> (engine: Engine, adapter: Adapter) {
    let adapter = try adapter(in: "\(tiny)/\(client)/checkpoint-\(step)")
    return (try Engine(model: LanguageModel(at: "\(tiny)/base"), adapter: adapter, threads: 2), adapter)
  }

  @Test(arguments: ["c0", "c1"], [4, 8]) func gradientFilesAreTheSame(_ client: String, _ step: Int) throws {
    for (split, file) in [("train", "train"), ("anchor", "anchor"), ("val", "validation.\(client)")] {
      let samples = try samples(client, split)
      let sink = Collected()
      let losses = try engine(client, step).engine.gradients(of: samples, into: sink)
      let oracle = try SafetensorsFile(
        Bytes(mapping: "\(tiny)/\(client)/checkpoint-\(step)/gradients/\(file).safetensors"))
      let (expected, tokens) = (
        try #require(oracle.tensors["loss"]).floats(), try #require(oracle.tensors["tokens"]).integers()
      )
      for (place, result) in losses.enumerated() {
        guard case .measured(let loss, let count) = result else {
          Issue.record("\(result)")
          continue
        }
        #expect(abs(loss - Double(expected[place])) < 2e-6 * loss)
        #expect(count == Int(tokens[place]))
        var rows: [String: [Float]] = [:]
        for (name, tensor) in oracle.tensors where name.contains("lora_") {
          let width = tensor.count / samples.count
          rows[String(name.dropFirst("base_model.model.".count))] =
            try tensor.floats(in: place * width..<(place + 1) * width)
        }
        let found = deviation(sink.gradients[place] ?? [:], rows)
        #expect(found.largest < 2e-5 && found.length < 2e-5, "\(client) \(step) \(split) \(place): \(found)")
      }
    }
  }

  @Test(arguments: ["c0", "c1"], [4, 8]) func sumsGiveTheScoresOfTheReference(_ client: String, _ step: Int) throws {
    let folder = "\(tiny)/\(client)/checkpoint-\(step)"
    let (engine, adapter) = try engine(client, step)
    let parameters = adapter.modules.values.flatMap(\.parameters).sorted { $0.name < $1.name }
    let moments = try OptimizerState(Bytes(mapping: "\(folder)/optimizer.pt"))
      .moments(for: parameters.map { ($0.name, $0.tensor.shape) })
    let targets = try ["c0", "c1"].map { try engine.meanGradient(of: self.samples($0, "val")).mean }
    let expected = try json("\(folder)/expected_scores.json")
    let rate = try #require(expected["learning_rate"]?.doubleValue)
    let scores = try ["train", "anchor"].flatMap { try #require(expected[$0]?.arrayValue).compactMap(\.doubleValue) }
    let samples = try self.samples(client, "train") + self.samples(client, "anchor")
    let sums = try LedgerSums(samples: samples.count, modules: engine.modules, moments: moments, targets: targets)
    try engine.gradients(of: samples, into: sums)
    let largest = try #require(scores.map(abs).max())
    for (place, score) in scores.enumerated() {
      let reference = try #require(sums.row(of: place)?.reference)
      #expect(abs(rate * reference.dots.reduce(0, +) - score) < 2e-5 * largest)
    }
  }

  /// All columns against the formulas of Bundles.md, written out in float64 over whole gradients.
  @Test func columnsAreTheirFormulas() throws {
    let folder = "\(tiny)/c0/checkpoint-8"
    let (engine, adapter) = try engine("c0", 8)
    let parameters = adapter.modules.values.flatMap(\.parameters)
    let moments = try OptimizerState(Bytes(mapping: "\(folder)/optimizer.pt"))
      .moments(for: parameters.map { ($0.name, $0.tensor.shape) })
    let (samples, validation) = (try samples("c0", "train"), try samples("c1", "val"))
    let target = try engine.meanGradient(of: validation).mean
    let (sink, targetSink) = (Collected(), Collected())
    let sums = try LedgerSums(samples: samples.count, modules: engine.modules, moments: moments, targets: [target])
    try engine.gradients(of: samples, into: sums)
    try engine.gradients(of: samples, into: sink)
    try engine.gradients(of: validation, into: targetSink)
    let mean = parameters.map(\.name).map { name in
      (
        name,
        (0..<targetSink.gradients[0]![name]!.count).map { element in
          targetSink.gradients.values.reduce(0) { $0 + Double($1[name]![element]) } / Double(validation.count)
        }
      )
    }
    let length = mean.reduce(0) { $0 + $1.1.reduce(0) { $0 + $1 * $1 } }.squareRoot()
    #expect(abs(target.norm - length) < 1e-6 * length)
    for place in samples.indices {
      var (squares, dots) = ([0.0, 0, 0], [0.0, 0, 0])
      for (name, v) in mean {
        let (gradient, held) = (try #require(sink.gradients[place]?[name]), try #require(moments[name]))
        let (first, second) = (try held.first.floats(), try held.second.floats())
        for element in v.indices {
          let (g, m) = (Double(gradient[element]), Double(first[element]))
          let root = (0.999 * Double(second[element]) + 0.001 * g * g + 1e-8).squareRoot()
          for (kind, value) in [g, g / root, (0.9 * m + 0.1 * g) / root].enumerated() {
            squares[kind] += value * value
            dots[kind] += value * v[element]
          }
        }
      }
      let row = try #require(sums.row(of: place))
      for (kind, found) in [row.gradient, try #require(row.adam), try #require(row.reference)].enumerated() {
        let norm = squares[kind].squareRoot()
        #expect(abs(found.norm - norm) < 1e-6 * norm)
        #expect(abs(found.dots[0] - dots[kind]) < 1e-6 * norm * length)
      }
    }
  }
}
